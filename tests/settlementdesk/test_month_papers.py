"""What an amount follows from, as a terminal shows it: in decimals of its currency."""

from federation.settlementdesk.month_papers import follows_from


def step(amount, **refs):
    return {
        "amount": {"minor": amount, "currency": "GBP"},
        "refs": [{"name": name, "value": value} for name, value in refs.items()],
    }


def test_what_an_amount_follows_from_is_in_decimals_of_its_currency():
    found = dict(
        follows_from(
            step(
                "222615",
                received="1236750",
                admin_fee="-123675",
                admin_fee_bps="1000",
                weight="10000000000000",
                units="1000",
                share="1455000 EUR",
                rate="0.85 2026-09-30",
                **{"received HUB-000001": "222615"},
            )
        )
    )

    assert found == {
        "received": "12367.50 GBP",
        "admin_fee": "-1236.75 GBP",
        "admin_fee_bps": "1000",
        "weight": "10000000000000",
        "units": "1000",
        "share": "14550.00 EUR",
        "rate": "0.85 2026-09-30",
        "received HUB-000001": "2226.15 GBP",
    }


def test_the_currency_beside_an_amount_is_its_own():
    refs = {"from_amount": "1200", "from_currency": "JPY", "currency": "EUR", "cleared": "650"}

    assert dict(follows_from(step("1", **refs))) == {
        "from_amount": "1200 JPY",
        "from_currency": "JPY",
        "currency": "EUR",
        "cleared": "6.50 EUR",
    }
