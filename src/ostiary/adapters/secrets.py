"""Secrets, from their references; and the environment that processes of servers begin with.

The only module that reads the environment. Nothing here is cached, logged or shown: a secret goes from its place to
whoever asked for it, and a rotated one is read anew.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Final

import structlog

from ostiary.config.values import Secret

log = structlog.get_logger(__name__)

# The largest thing people keep in such a file is a chain of certificates, some 20 KiB.
_LARGEST: Final = 64 * 1024
_READ_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

# What programs need to find themselves, their home and their language; never what could hold a credential: a proxy's
# URL, a cloud's keys. The list of the MCP SDKs, with locale and time zone added.
_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")


class Unresolved(LookupError):
    """A reference leads to no usable secret. The text names the reference, never a content."""

    def __init__(self, reference: Secret, why: str, remedy: str) -> None:
        super().__init__(f"{reference}: {why}; {remedy}")
        self.reference = reference


def resolve(reference: Secret, environment: Mapping[str, str] | None = None) -> str:
    """Return the secret, or raise `Unresolved`; an empty one counts as missing."""
    found = _of_file(reference) if reference.kind == "file" else _or_ours(environment).get(reference.where)
    if found is None:
        raise Unresolved(reference, "the environment variable is not set", "set it where the gateway is started")
    if not found:
        raise Unresolved(reference, "is empty", "put the secret there")
    return found


def exposure(reference: Secret) -> str:
    """Return who else can read the secret's file, in one sentence; nothing when nobody can, or when it is no file."""
    if reference.kind != "file":
        return ""
    try:
        mode = os.stat(reference.where).st_mode  # noqa: PTH116  # the path is text everywhere here
    except (OSError, ValueError):
        return ""
    return f"{reference} can be read or written by other users; chmod 600 it" if mode & _READ_BY_OTHERS else ""


def base_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a server's process inherits: none that could hold a credential."""
    given = _or_ours(environment)
    # A value that begins with () is a shell function (Shellshock, CVE-2014-6271) and not what the name promises.
    return {name: given[name] for name in _INHERITED if name in given and not given[name].startswith("()")}


def _or_ours(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environment is None else environment  # noqa: TID251  # this is the module that may


def _of_file(reference: Secret) -> str:
    try:
        content = _content(reference)
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Unresolved(reference, "is not UTF-8 text", "keep only the secret in the file") from None
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "cannot be read"
        raise Unresolved(reference, why, "check the path and its permissions") from None
    if exposed := exposure(reference):
        log.warning("secret file is open to others", detail=exposed)
    # Editors and `echo` end a file with one newline; a second one would be part of the secret.
    return text.removesuffix("\n").removesuffix("\r")


def _content(reference: Secret) -> bytes:
    # Without O_NONBLOCK, opening a pipe would wait for a writer, and the gateway with it.
    handle = os.open(reference.where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unresolved(reference, "is not a regular file", "name a file that holds only the secret")
        with os.fdopen(handle, "rb", closefd=False) as opened:
            content = opened.read(_LARGEST + 1)
    finally:
        os.close(handle)
    if len(content) > _LARGEST:
        raise Unresolved(reference, f"is larger than {_LARGEST // 1024} KiB", "keep only the secret in the file")
    return content
