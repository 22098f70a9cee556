"""The pages that a person sees: who asks for what, and why something was refused. No script, no frame, no picture."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from msgspec import Struct
from starlette.responses import HTMLResponse, Response

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;"
    "background:#fff}h1{font-size:1.4rem}code,strong{overflow-wrap:anywhere}.warn{border-left:4px solid #b45309;"
    "padding:.4rem .8rem;background:#fff7ed}button,a.button{font:inherit;padding:.5rem 1.2rem;margin-right:.6rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}.warn{background:#3b2a12}a{color:#9cf}}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


class Question(Struct, frozen=True):
    """What a person is asked."""

    client: str
    """How the client calls itself."""
    origin: str
    """Where that name comes from."""
    redirect: str
    """The host that the answer goes to."""
    resource: str
    scopes: Mapping[str, str]
    person: str
    warning: str = ""


def page(title: str, content: str, status: int = 200, targets: Iterable[str] = ()) -> Response:
    """Return a page; its forms may lead here and to `targets`, for browsers look at where a form's answer goes."""
    leads = " ".join(("'self'", *targets))
    policy = (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'; form-action {leads}"
    )
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return HTMLResponse(text, status, headers={**HEADERS, "content-security-policy": policy})


HEADERS: Final = {
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Fetch Standard, "append a request Origin header": `no-referrer` would make our own forms come from `null`.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def consent(asked: Question, action: str, ticket: str, target: str) -> Response:
    """Return the question whether a client may do what it asks for."""
    content = (
        f"{_asked(asked)}<p>You are signed in as <strong>{escape(asked.person)}</strong>.</p>{_warned(asked.warning)}"
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
        f'<button name="decision" value="allow">Allow</button>'
        f'<button name="decision" value="deny">Deny</button></form>'
    )
    return page("Allow access?", content, targets=(target,))


def sign_in(client: str, login: str) -> Response:
    """Return the page that leads to the login: nobody is sent there, or anywhere, by a link alone."""
    content = (
        f"<p><strong>{escape(client)}</strong> asks for access to this gateway in your name.</p>"
        f"<p>Sign in to see what it asks for. Go on only if you have just started this yourself.</p>"
        f'<p><a class="button" href="{escape(login)}">Sign in to go on</a></p>'
    )
    return page("Sign in", content)


def refused(error: str, why: str, status: int = 400, back: str = "", to: str = "") -> Response:
    """Return why a request was refused; with `back`, a link by which the person may tell the client."""
    link = f'<p><a rel="noreferrer" href="{escape(back)}">Go back to {escape(to)}</a></p>' if back else ""
    content = (
        f"<p>{escape(why)}.</p><p>Code: <code>{escape(error)}</code></p>{link}"
        "<p>If you did not start this yourself, close this window; nothing was allowed.</p>"
    )
    return page("This request was refused", content, status)


def _asked(asked: Question) -> str:
    scopes = "".join(
        f"<li><code>{escape(name)}</code>{' — ' if meaning else ''}{escape(meaning)}</li>"
        for name, meaning in asked.scopes.items()
    )
    return (
        f"<p><strong>{escape(asked.client)}</strong> asks for access to <code>{escape(asked.resource)}</code> in your "
        f"name.</p><p>{escape(asked.origin)}</p>"
        f"<p>The answer goes to <strong>{escape(asked.redirect)}</strong>.</p>"
        f"<p>It asks for:</p><ul>{scopes or '<li>what everybody who is signed in may do</li>'}</ul>"
    )


def _warned(warning: str) -> str:
    return f'<p class="warn">{escape(warning)}</p>' if warning else ""
