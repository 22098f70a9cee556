"""JSON Schemas and sample bytes that the official conformance suite asks of a server. Pure."""

import base64
import io
import struct
import wave
import zlib
from typing import Any


def object_schema(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties, `required` ones named."""
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def string(description: str, **keywords: Any) -> dict[str, Any]:
    """Return the schema of a described string."""
    return {"type": "string", "description": description, **keywords}


def png() -> str:
    """Return a picture of one red dot, in base64."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def wav() -> str:
    """Return a few samples of silence, in base64."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16))
    return base64.b64encode(buffer.getvalue()).decode()


NOTHING = object_schema()
NAME = object_schema(("name",), name=string("What to call you"))
COLOR = object_schema(("color",), color=string("A colour you like"))
CONFIRMATION = object_schema(("ok",), ok={"type": "boolean", "description": "Go on?"})
CONTEXT = object_schema(("context",), context=string("What the prompt should be about"))
CONTACT = object_schema(("username", "email"), username=string("User's response"), email=string("User's email address"))

# SEP-1034: a default for every primitive type; the suite compares the values.
DEFAULTS = object_schema(
    name=string("User name", default="John Doe"),
    age={"type": "integer", "description": "User age", "default": 30},
    score={"type": "number", "description": "User score", "default": 95.5},
    status=string("User status", enum=["active", "inactive", "pending"], default="active"),
    verified={"type": "boolean", "description": "Verification status", "default": True},
)

_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]

# SEP-1330: the five ways to write a choice, the deprecated one included.
CHOICES = object_schema(
    untitledSingle=string("One of these", enum=_OPTIONS),
    titledSingle=string("One of these, with titles", oneOf=_TITLED),
    legacyEnum=string(
        "One of these, with the titles beside them",
        enum=["opt1", "opt2", "opt3"],
        enumNames=["Option One", "Option Two", "Option Three"],
    ),
    untitledMulti={"type": "array", "description": "Some", "items": {"type": "string", "enum": _OPTIONS}},
    titledMulti={"type": "array", "description": "Some, with titles", "items": {"anyOf": _TITLED}},
)

# SEP-1613 and SEP-2106: keywords that careless intermediaries strip from a tool's schema.
DRAFT_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **object_schema(
        name={"type": "string"},
        address={"$ref": "#/$defs/address"},
        contactMethod={"type": "string", "enum": ["phone", "email"]},
        phone={"type": "string"},
        email={"type": "string"},
    ),
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            **object_schema(street={"type": "string"}, city={"type": "string"}),
        }
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
