from datetime import date

import msgspec
import pytest

from federation.documents.vat import (
    ABROAD_REVERSE_CHARGE,
    EU_REVERSE_CHARGE,
    NOT_REGISTERED,
    SUPPLIED_ABROAD,
    NoVatRateError,
    Vat,
    vat_between,
)
from federation.values.invoicing import InvoiceParty, Invoicing, VatRate

DAY = date(2026, 9, 1)
RATES = [
    VatRate("DE", date(2020, 7, 1), 1600),
    VatRate("DE", date(2021, 1, 1), 1900),
    VatRate("DE", date(2026, 9, 2), 2000),
    VatRate("CH", date(2024, 1, 1), 810),
    VatRate("AE", date(2018, 1, 1), 0),
]
VAT_IDS = {"DE": "DE123456789", "GR": "EL123456789", "GB": "GB123456789", "CH": "CHE1"}


def a_party(country, *, is_registered=True):
    vat_id = VAT_IDS.get(country, f"{country}12345") if is_registered else None
    return InvoiceParty("A", "1 Road", "Town", country, vat_id=vat_id)


@pytest.mark.parametrize(
    ("seller", "buyer", "is_registered", "expected"),
    [
        ("DE", "DE", True, Vat("S", 1900)),
        ("DE", "DE", False, Vat("S", 1900)),
        ("DE", "FR", True, Vat("AE", 0, EU_REVERSE_CHARGE)),
        ("DE", "GR", True, Vat("AE", 0, EU_REVERSE_CHARGE)),
        ("DE", "FR", False, Vat("S", 1900)),
        ("DE", "GB", True, Vat("AE", 0, ABROAD_REVERSE_CHARGE)),
        ("DE", "US", False, Vat("O", 0, SUPPLIED_ABROAD)),
        ("CH", "CH", True, Vat("S", 810)),
        ("CH", "DE", True, Vat("AE", 0, ABROAD_REVERSE_CHARGE)),
        ("CH", "DE", False, Vat("O", 0, SUPPLIED_ABROAD)),
        ("AE", "AE", True, Vat("Z")),
    ],
)
def test_who_owes_the_tax_follows_from_both_countries_and_the_labs_vat_id(
    seller, buyer, is_registered, expected
):
    found = vat_between(a_party(seller), a_party(buyer, is_registered=is_registered), DAY, RATES)

    assert found == expected


def test_a_seller_without_a_vat_id_charges_none():
    found = vat_between(a_party("DE", is_registered=False), a_party("DE"), DAY, RATES)

    assert found == Vat("O", 0, NOT_REGISTERED)


@pytest.mark.parametrize(
    ("on", "bps"),
    [
        (date(2020, 7, 1), 1600),
        (date(2020, 12, 31), 1600),
        (date(2021, 1, 1), 1900),
        (date(2026, 9, 2), 2000),
    ],
)
def test_the_rate_is_that_of_the_day(on, bps):
    assert vat_between(a_party("DE"), a_party("DE"), on, RATES) == Vat("S", bps)


def test_a_day_without_a_rate_is_refused():
    with pytest.raises(NoVatRateError) as refused:
        vat_between(a_party("DE"), a_party("DE"), date(2020, 6, 30), RATES)

    assert (refused.value.code, refused.value.detail) == ("NO_VAT_RATE", "DE on 2020-06-30")


@pytest.mark.parametrize(
    ("net", "bps", "tax"),
    [(100_000, 1900, 19_000), (50, 100, 1), (49, 100, 0), (150, 100, 2), (-50, 100, -1), (1, 0, 0)],
)
def test_half_a_unit_is_rounded_away_from_nothing(net, bps, tax):
    assert Vat("S", bps).of(net) == tax


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"vat_id": "FR123"}, "`vat_id` of DE begins with DE: FR123"),
        ({"vat_id": "DE 123"}, "Expected `str` matching regex"),
        ({"name": ""}, "Expected `str` of length >= 1"),
        ({"name": " A"}, "Expected `str` matching regex"),
        ({"city": "a\u202eb"}, "has characters that cannot be printed"),
        ({"country": "de"}, "Expected `str` matching regex"),
        ({"fax": "1"}, "Object contains unknown field `fax`"),
    ],
)
def test_a_party_that_cannot_stand_on_an_invoice_is_refused(changed, said):
    party = {"name": "A", "street": "1 Road", "city": "Town", "country": "DE"}

    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(party | changed, InvoiceParty)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("vat", "said"),
    [
        ([], "`vat` names no rate of DE, where the seller is"),
        ([RATES[0], RATES[0]], "`vat` names two rates of one country and day"),
    ],
)
def test_rates_that_do_not_fit_the_seller_are_refused(vat, said):
    value = msgspec.to_builtins({"seller": a_party("DE"), "vat": vat})

    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, Invoicing)

    assert str(refused.value) == said
