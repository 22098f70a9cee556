"""`ostiary audit keygen`, `payload` and `erase`: what was kept of calls, for auditors and for who said it."""

from __future__ import annotations

import os
import secrets
import time
from base64 import b64encode
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ostiary.adapters.store import captures_gone, captures_proof
from ostiary.adapters.store.captures_gone import Gone
from ostiary.core.capturing import Half
from ostiary.entry.cli.audit_asked import ledger_folder
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, Refused, data, line, plural, say, usage
from ostiary.entry.cli.tools import operator
from ostiary.entry.offline import checked, data_folder
from ostiary.integrity.sealing import Unopenable, fingerprint, is_reference

_MORE: Final = "Only what ostiary audit verify finds whole can be opened; see docs/capture.md."


def keygen(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the private key goes; mode 0600.")],
) -> None:
    """Make the auditors' key: the private half goes into a file, which the gateway never needs, the public is printed.

    Whoever has the file can open every payload that was sealed for it; without it nobody can. Make it on another
    machine, and keep a copy.

    Example: ostiary audit keygen --out auditors.pem
    """
    private = X25519PrivateKey.generate()
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Refused(f"{out} is there already.", "What it opens could be lost: name another file.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    public = private.public_key().public_bytes_raw()
    line(b64encode(public).decode())
    say(f"{out}: the private key, {fingerprint(public)}. Write the line above as capture.to, and keep the file away.")


def payload(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The call, as the ledger names it.")],
    config: ConfigFile = CONFIG,
    *,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The auditors' private key.")],
    half: Annotated[Half, typer.Option("--half", help="What left, or what was handed on.")] = Half.ARGUMENTS,
    as_json: AsJson = False,
) -> None:
    """Open what was kept of a call: its arguments as they left, or its result as it was handed on.

    It is opened only if it is what the ledger vouches for. Without --json the words alone are printed.

    Example: ostiary audit payload 1f2e3d4c-7 --key auditors.pem --half result
    """
    if not is_reference(reference):
        raise usage("REFERENCE", "is written as the ledger writes it, such as 1f2e3d4c-7")
    folder = ledger_folder(config)
    try:
        found = captures_proof.open_payload(folder, _private(key), reference, half)
    except Unopenable as error:
        raise Refused(f"The {half} of {reference} cannot be opened: {error}.", _MORE) from None
    text = found.text.decode(errors="replace")
    if not as_json:
        line(text)
        if found.head.cut:
            say(f"Cut: only the first {len(found.text):,} of {found.head.size:,} bytes were kept.", "yellow")
        return
    data({**msgspec.to_builtins(found.head), "subject": found.key.subject, "issuer": found.key.issuer, "text": text})


def _private(path: Path) -> X25519PrivateKey:
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, X25519PrivateKey):
        raise usage("--key", f"{path} is not a private key of X25519 in PEM, as ostiary audit keygen makes it")
    return found


def erase(
    principal: Annotated[str, typer.Argument(metavar="SUBJECT", help="Whose words are to be gone.")],
    config: ConfigFile = CONFIG,
    *,
    issuer: Annotated[str, typer.Option(metavar="ISSUER", help="Who calls them so, where several do.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of all that was kept of a person's calls: nobody can open it any more, with any key.

    The ledger stays as it is, and says that this was done: a gateway that runs writes it within seconds, another one
    when it starts. Backups that hold captures/keys of before still open them.

    Example: ostiary audit erase ana@example.com
    """
    folder = data_folder(checked(config).config, config)
    found = captures_gone.persons(folder, principal)
    if issuer:
        found = {name: keys for name, keys in found.items() if name == issuer}
    if not found:
        raise Refused(f"Nothing was kept of {principal}{f' of {issuer}' if issuer else ''}.", "Was it erased before?")
    if len(found) > 1:
        raise Refused(f"{principal} is somebody to {' and to '.join(sorted(found))}.", "Say whose with --issuer.")
    whose, keys = next(iter(found.items()))
    said = f"Destroy {plural(len(keys), 'key')}, and all that was kept of {principal} ({whose})? It cannot be undone."
    if not yes and not typer.confirm(said, default=False, err=True):
        raise typer.Exit(1)
    now = time.time()
    ident = f"{int(now):012d}-{secrets.token_hex(4)}"
    done = captures_gone.destroy(folder, Gone(ident, "erased", now, tuple(keys), whose, principal, by=operator()))
    if as_json:
        data({"subject": principal, "issuer": whose, "keys": len(keys), "payloads": done.payloads})
        return
    say(f"{plural(done.payloads, 'payload')} under {plural(len(keys), 'key')} cannot be opened any more.", "green")
