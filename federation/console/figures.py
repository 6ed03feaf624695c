"""Amounts, numbers and instants as people read them, in their language; nothing is rounded."""

from datetime import UTC, date, datetime
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import get_decimal_symbol, get_group_symbol
from markupsafe import Markup, escape

from federation.money import UnknownCurrencyError, decimal_text

NO_BREAK = "\u00a0"


def money(minor: Any, currency: str, language: str) -> Markup:
    """Write minor units with the decimals of their currency and its ISO code.

    `123456` and EUR is `1,234.56 EUR` in English. Of a currency that is not known the minor units
    themselves are written.
    """
    try:
        text = grouped(decimal_text(int(minor), currency), language)
    except UnknownCurrencyError:
        text = str(minor)
    return Markup('<span class="money">{}{}<abbr>{}</abbr></span>').format(text, NO_BREAK, currency)


def grouped(text: str, language: str) -> str:
    """Write a decimal number, as `-1234.5`, with a language's own marks, however long it is."""
    sign = "\u2212" if text.startswith("-") else ""
    whole, _, part = text.removeprefix("-").partition(".")
    rest = len(whole) % 3
    groups = [whole[:rest]] if rest else []
    groups += [whole[at : at + 3] for at in range(rest, len(whole), 3)]
    point = get_decimal_symbol(language) + part if part else ""
    return sign + get_group_symbol(language).join(groups) + point


def number(value: Any, language: str) -> str:
    """Write a whole number."""
    return grouped(str(int(value)), language)


def instant(value: str | None, language: str) -> Markup:
    """Write a day, or an instant with its zone, as GraphQL sends it; another text as it is."""
    if value is None:
        return Markup('<span class="none">{}</span>').format("\u2013")
    try:
        if len(value) == len("2026-09-20"):
            shown = format_date(date.fromisoformat(value), "d MMM y", locale=language)
        else:
            at = datetime.fromisoformat(value).astimezone(UTC)
            shown = format_datetime(at, "d MMM y, HH:mm", locale=language) + " UTC"
    except ValueError:
        return escape(value)
    return Markup('<time datetime="{}">{}</time>').format(value, shown.replace(" ", NO_BREAK))


def month(value: str, language: str) -> str:
    """Write a month, `2026-09`, in words."""
    try:
        return format_date(date.fromisoformat(f"{value}-01"), "MMMM y", locale=language)
    except ValueError:
        return value


def language_name(language: str) -> str:
    """Return what a language calls itself."""
    return str(Locale.parse(language).get_display_name(language) or language).capitalize()
