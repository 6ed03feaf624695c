"""What is read out of a text that somebody looks for."""

import pytest

from federation.errors import RefusalError
from federation.money import Money
from federation.search.sought import read


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.50 EUR", Money(123450, "EUR")),
        ("1.234,50 EUR", Money(123450, "EUR")),
        ("1'234.5 chf", Money(123450, "CHF")),
        ("EUR 1234", Money(123400, "EUR")),
        ("\u22121 234,50EUR", Money(123450, "EUR")),
        ("1.234 EUR", Money(123400, "EUR")),
        ("1.234 KWD", Money(1234, "KWD")),
        ("1,234,567 JPY", Money(1234567, "JPY")),
        ("1,234.567 EUR", None),
        ("12,34,567 EUR", None),
        ("1234.50", None),  # of which currency?
        ("EUR 1 USD", None),
        ("1 ZZZ", None),
        (f"{'9' * 40} EUR", None),
    ],
)
def test_an_amount_is_read_as_people_write_it(text, amount):
    assert read(text).amount == amount


def test_a_text_may_be_a_number_or_an_address_and_is_neither_too_short_nor_too_long():
    assert [read(text).row for text in ("12", "2147483648", "\u0661", "12a")] == [
        12,
        None,
        None,
        None,
    ]
    assert read(" https://News.example/de/1 ").address.text == "news.example/de/1"
    assert [read(text).address for text in ("de-a", "Crème brûlée, 2.")] == [None, None]
    for wrong in ("", "  ", "a" * 201, "a\0"):
        with pytest.raises(RefusalError) as refused:
            read(wrong)
        assert refused.value.code == ("BAD_TEXT" if "\0" in wrong else "BAD_SEARCH")
