"""From the values of a page to its HTML: one Jinja environment for each language."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

from federation.console import figures
from federation.console.language import words
from federation.console.page import FOLDER, connection

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers send `Origin: null` from our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept, Accept-Language, Cookie",
}


@cache
def environment(language: str) -> Environment:
    """Return what renders the templates in a language; whatever a template prints is escaped."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    spoken = words(language)
    made.install_gettext_callables(  # type: ignore[attr-defined]
        spoken.gettext, spoken.ngettext, newstyle=True
    )
    made.globals |= {"connection": connection, "language": language}
    # Of `_` the text itself counts as HTML: what is not written in a template goes by this filter.
    made.filters["word"] = spoken.gettext
    for name in ("money", "number", "instant", "month"):
        made.filters[name] = partial(_last, getattr(figures, name), language)
    made.filters["language_name"] = figures.language_name
    return made


def _last(act: Any, language: str, *arguments: Any) -> Any:
    return act(*arguments, language)


def rendered(
    template: str,
    values: Mapping[str, Any],
    language: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Return a page as the answer to a request."""
    text = environment(language).get_template(template).render(values)
    return Response(
        text.encode(),
        media_type=MediaType.HTML,
        status_code=status,
        headers={**HEADERS, "Content-Language": language, **(headers or {})},
    )
