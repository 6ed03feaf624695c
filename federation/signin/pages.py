"""The pages of signing in: plain HTML that needs no script, and says what went wrong in words."""

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Final
from urllib.parse import urlencode

from litestar import MediaType, Response

from federation.errors import LaterError, RefusalError

STYLE: Final = """
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
main { max-width: 30rem; margin: 3rem auto; padding: 0 1rem }
label, button, input { display: block; width: 100%; box-sizing: border-box; font: inherit }
input, button { padding: .6rem; margin: .2rem 0 1rem; border: 1px solid; border-radius: .3rem }
a, button { cursor: pointer }
:focus-visible { outline: 3px solid; outline-offset: 2px }
[role=alert] { border-left: .4rem solid #b00; padding: .5rem 1rem }
textarea { width: 100%; box-sizing: border-box; font: .8rem monospace }
"""
_STYLE_HASH: Final = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers send `Origin: null` from our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page(
    title: str, parts: Sequence[str], *, status: int = 200, refusal: RefusalError | None = None
) -> Response[bytes]:
    """Return a page; what was refused is said first, and Retry-After where it is to be tried again.

    `parts` are HTML in which whatever came from outside was escaped.
    """
    alert = "" if refusal is None else f'<p role="alert">{escape(_words(refusal))}</p>'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{alert}"
        f"{''.join(parts)}</main></body></html>"
    )
    headers = dict(HEADERS)
    if isinstance(refusal, LaterError):
        headers["Retry-After"] = str(refusal.retry_after)
    return Response(text.encode(), media_type=MediaType.HTML, status_code=status, headers=headers)


def sign_in_parts(
    *, local: bool, provider: str | None, subject: str = "", back: str | None = None
) -> list[str]:
    """Return the form for a password and the way to the provider, as the server has them.

    Either comes `back` to a page of this server.
    """
    parts, asked = [], f"?{urlencode({'next': back})}" if back else ""
    if provider is not None:
        parts.append(f'<p><a href="/sign-in/provider{asked}">{escape(provider)}</a></p>')
    if local:
        parts.append(
            form(
                "/sign-in",
                *([hidden("next", back)] if back else []),
                field(
                    "subject",
                    "Your short name here (subject)",
                    subject,
                    autocomplete="username",
                    autofocus=True,
                ),
                field("password", "Password", kind="password", autocomplete="current-password"),
                field(
                    "code",
                    "One-time code, if you have set one up",
                    autocomplete="one-time-code",
                    is_needed=False,
                ),
                button("Sign in"),
            )
        )
    parts.append(
        '<p><a href="/sign-in/invitation">I have an invitation, or forgot my password</a></p>'
    )
    return parts


def invitation_parts(*, server: str, local: bool, provider: str | None) -> list[str]:
    """Return the form in which a person uses an invitation."""
    parts = [
        field("first", "First half of the code", autocomplete="off", autofocus=True),
        field("second", "Second half of the code", autocomplete="off"),
    ]
    if local:
        parts.append(
            field(
                "password",
                "New password, of 12 characters or more",
                kind="password",
                autocomplete="new-password",
                is_needed=provider is None,
            )
        )
        parts.append(button("Set the password and sign in", "way", "password"))
    if provider is not None:
        parts.append(button(f"Without a password: {provider}", "way", "provider"))
    return [
        (
            f"<p>Two people of {escape(server)} gave you half of a code each. "
            "Who forgot a password, or lost the telephone, asks them for a new one.</p>"
        ),
        form("/sign-in/invitation", *parts),
    ]


def onward_parts(url: str, label: str) -> list[str]:
    """Return the way on to the provider, where the invitation is used."""
    return [f'<p><a href="{escape(url)}" autofocus>Go on: {escape(label)}</a></p>']


def session_parts(
    *, name: str, subject: str, role: str, others: Sequence[str], proof: str
) -> list[str]:
    """Return who is signed in as what, and what that person may do with the session."""
    token = hidden("csrf_token", proof)
    parts = [
        (
            f"<p>Signed in as <strong>{escape(name)}</strong> ({escape(subject)}), "
            f"acting as <strong>{escape(role)}</strong>.</p>"
        )
    ]
    if others:
        buttons = (button(f"Act as {each}", "role", each) for each in others)
        parts.append(form("/session/role", token, *buttons))
    parts.append(form("/session/token", token, button("A token for the shell")))
    parts.append(form("/session/end", token, button("Sign out")))
    return parts


def token_parts(token: str, url: str) -> list[str]:
    """Return a token for the shell, shown once."""
    return [
        "<p>Keep it to yourself. It ends when this session would.</p>",
        '<label for="token">For your shell</label>',
        (
            f'<textarea id="token" rows="8" readonly>export FEDERATION_URL={escape(url)}\n'
            f"export FEDERATION_TOKEN={escape(token)}</textarea>"
        ),
        '<p><a href="/session">Back</a></p>',
    ]


def form(action: str, *inside: str) -> str:
    """Return a form that is posted to a path of this server."""
    return f'<form method="post" action="{action}">{"".join(inside)}</form>'


def field(
    name: str,
    label: str,
    value: str = "",
    *,
    kind: str = "text",
    autocomplete: str,
    is_needed: bool = True,
    autofocus: bool = False,
) -> str:
    """Return a field with its label."""
    more = (" required" if is_needed else "") + (" autofocus" if autofocus else "")
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}" '
        f'autocomplete="{autocomplete}" autocapitalize="none" spellcheck="false"{more}>'
    )


def hidden(name: str, value: str) -> str:
    """Return a field that nobody sees."""
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def button(text: str, name: str = "", value: str = "") -> str:
    """Return a button; with a name it says which one was pressed."""
    said = f' name="{name}" value="{escape(value)}"' if name else ""
    return f"<button{said}>{escape(text)}</button>"


def _words(refusal: RefusalError) -> str:
    """Return what a person reads of a refusal; of who comes too often, when to come again."""
    if isinstance(refusal, LaterError):
        return f"{refusal.message.partition(' (')[0]} Try again in {refusal.retry_after} seconds."
    return refusal.message
