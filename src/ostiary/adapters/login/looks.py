"""What the pages look like: plain HTML without scripts, one stylesheet, and headers that allow nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

STYLE: Final = "/login/style.css"
_SHEET: Final = (Path(__file__).parent / "style.css").read_bytes()
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Not `no-referrer`: with it, a form says `Origin: null` (Fetch standard, "append a request Origin header").
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page(title: str, *parts: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page; `parts` are HTML made by the functions below, `title` is text."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)} · Ostiary</title><link rel="stylesheet" href="{STYLE}"></head>'
        f'<body><main><p class="mark">Ostiary</p><h1>{escape(title)}</h1>{"".join(parts)}</main></body></html>'
    )
    return HTMLResponse(text, status, HEADERS | dict(headers or {}))


def said(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def link(text: str, to: str, quiet: bool = False) -> str:
    """Return a link that looks like what to do."""
    return f'<a class="act{" quiet" if quiet else ""}" href="{escape(to)}">{escape(text)}</a>'


def button(text: str, name: str = "", value: str = "", quiet: bool = False) -> str:
    """Return a button for a form."""
    named = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f'<button class="act{" quiet" if quiet else ""}"{named}>{escape(text)}</button>'


def form(to: str, hidden: Mapping[str, str], *buttons: str) -> str:
    """Return a form that is sent to a path of ours."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    return f'<form method="post" action="{escape(to)}">{fields}{"".join(buttons)}</form>'


def onward(to: str) -> Response:
    """Return a redirect that is always followed by a GET."""
    return RedirectResponse(to, 303, HEADERS)


def sheet() -> Response:
    """Return the stylesheet."""
    return Response(_SHEET, 200, HEADERS | {"cache-control": "public, max-age=3600"}, "text/css")
