"""What a client's certificate says of whose it is. Imported with the first one: few gateways need X.509."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final

import structlog
from cryptography import x509

from ostiary.core.model import Certificate

log: Final = structlog.get_logger(__name__)

_MOST_NAMES: Final = 64
_LONGEST: Final = 256
_DNS: Final = re.compile(r"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*\.?")
_MAIL: Final = re.compile(r"[^@:/\s]+@[^@:/\s]+")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def read(der: bytes) -> Certificate:
    """Return what identity needs to know of a certificate; one that cannot be read names nobody and has expired."""
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(thumbprint, tuple(_names(found)), found.not_valid_after_utc.timestamp())
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        log.warning("a client's certificate is not well-formed", thumbprint=thumbprint)
        return Certificate(thumbprint)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    """Yield the names of each kind that can be taken for no other kind."""
    try:
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    kinds: tuple[tuple[Any, re.Pattern[str]], ...] = (
        (x509.UniformResourceIdentifier, _URI),
        (x509.DNSName, _DNS),
        (x509.RFC822Name, _MAIL),
    )
    for kind, form in kinds:
        for name in said.get_values_for_type(kind)[:_MOST_NAMES]:
            # An authority that checks only that a DNS name is a text must not thereby hand out SPIFFE ids.
            if isinstance(name, str) and len(name) <= _LONGEST and form.fullmatch(name):
                yield name.lower().removesuffix(".") if kind is x509.DNSName else name
