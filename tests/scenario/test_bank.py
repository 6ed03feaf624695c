"""The hub's bank in a scenario writes statements that continue one another."""

from datetime import date

import pytest
from lxml import etree

from federation.bankfiles.camt import read_bank_file
from federation.scenario.bank import Bank, Credit
from tests.bankfiles.schemas import schema

IBAN = "DE89370400440532013000"


@pytest.mark.parametrize(("account", "scheme"), [(IBAN, "IBAN"), ("AU-CLIENT-1", "OTHER")])
def test_a_statement_is_valid_and_opens_where_the_one_before_closed(account, scheme):
    bank = Bank(account, scheme)
    files = [
        bank.statement("EUR", [Credit("A", 1_000), Credit("B", 5)], date(2026, 10, 1)),
        bank.statement("JPY", [Credit("C", 7)], date(2026, 10, 1)),
        bank.statement("EUR", [Credit("D", 1)], date(2026, 11, 1)),
    ]

    for file in files:
        schema("camt.053.001.08").assertValid(etree.fromstring(file))
    read = [read_bank_file(file).statements[0] for file in files]
    assert [(item.account, item.currency, item.opening, item.closing) for item in read] == [
        (account, "EUR", 0, 1_005),
        (account, "JPY", 0, 7),
        (account, "EUR", 1_005, 1_006),
    ]
    assert [[entry.amount for entry in item.entries] for item in read] == [[1_000, 5], [7], [1]]
