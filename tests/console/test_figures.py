"""Amounts, numbers and instants as people read them; charts with the figures they are of."""

import re
from html import unescape

import pytest

from federation.console import figures
from federation.console.rendering import environment

LONG = "1234567890" * 4


def plain(text):
    return unescape(re.sub(r"<[^>]*>", "", str(text))).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("minor", "currency", "english", "german"),
    [
        ("123456", "EUR", "1,234.56 EUR", "1.234,56 EUR"),
        ("-5", "EUR", "\u22120.05 EUR", "\u22120,05 EUR"),
        ("1012", "JPY", "1,012 JPY", "1.012 JPY"),
        ("1234567", "KWD", "1,234.567 KWD", "1.234,567 KWD"),
        ("0", "GBP", "0.00 GBP", "0,00 GBP"),
        ("7", "<b>", "7 <b>", "7 <b>"),
        (
            LONG,
            "EUR",
            "12,345,678,901,234,567,890,123,456,789,012,345,678.90 EUR",
            "12.345.678.901.234.567.890.123.456.789.012.345.678,90 EUR",
        ),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency_and_its_code(minor, currency, english, german):
    assert plain(figures.money(minor, currency, "en")) == english
    assert plain(figures.money(minor, currency, "de")) == german
    assert "<b>" not in figures.money(minor, currency, "en")


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        ("2026-09-20", "20 Sep 2026", "20 Sept. 2026"),
        ("2026-09-20T23:30:00-02:00", "21 Sep 2026, 01:30 UTC", "21 Sept. 2026, 01:30 UTC"),
        (None, "\u2013", "\u2013"),
        ("<soon>", "<soon>", "<soon>"),
    ],
)
def test_an_instant_has_its_zone(value, english, german):
    assert plain(figures.instant(value, "en")) == english
    assert plain(figures.instant(value, "de")) == german


def test_a_month_is_said_in_words_and_what_is_none_as_it_is():
    assert [figures.month(text, "de") for text in ("2026-03", "2026-13", "x")] == [
        "März 2026",
        "2026-13",
        "x",
    ]


@pytest.mark.parametrize(
    ("macro", "values", "boxes"),
    [
        ("bars", [50, -100], [("0", "200.0"), ("0", "400.0")]),
        ("stacked", [30, 10], [("0", "300.0"), ("300.0", "100.0")]),
        ("waterfall", [100, -25, 75], [("0.0", "400.0"), ("300.0", "100.0"), ("0.0", "300.0")]),
        ("bars", [], []),
        ("bars", [0], [("0", "0")]),
        ("stacked", [0, 0], []),
        ("waterfall", [0, 0], [("0", "0"), ("0", "0")]),
    ],
)
def test_a_chart_is_as_long_as_its_figures_which_stand_beside_it(macro, values, boxes):
    source = (
        f'{{% import "shell/charts.html" as c with context %}}{{{{ c.{macro}("<All>", rows) }}}}'
    )
    rows = [{"label": f"<{n}>", "value": each, "currency": "EUR"} for n, each in enumerate(values)]
    text = environment("en").from_string(source).render(rows=rows)

    found = [tuple(each) for each in re.findall(r' x="([\d.]+)"[^>]* width="([\d.]+)"', text)]
    assert [tuple(map(float, each)) for each in found] == [tuple(map(float, b)) for b in boxes]
    assert 'aria-label="&lt;All&gt;"' in text
    assert "<0>" not in text
    assert [plain(each) for each in re.findall(r'<td class="figure">.*?</td>', text)] == [
        plain(figures.money(each, "EUR", "en")) for each in values
    ]
