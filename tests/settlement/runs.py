"""The document of a run to compute, built part by part."""

from hypothesis import strategies as st

from federation.settlement import run_document as rd

RATES = {
    "GBP": rd.PublishedRate("2026-09-30", "0.8338"),
    "JPY": rd.PublishedRate("2026-09-30", "184.21"),
}


def a_collective(currency="EUR", **changes):
    values = {
        "country": "DE",
        "settlement_currency": currency,
        "admin_fee_bps": 1000,
        "collecting_fee_bps": 500,
        "minimum_payment": "100",
        "plan": "per_usage",
        "base_bps": None,
        "tiers": None,
    }
    return rd.CollectiveInRun(**{**values, **changes})


def a_licence(licensor="HUB", *, currency="EUR", fee=30_000, components=None, **changes):
    values = {
        "licensor": licensor,
        "licensee": "lab",
        "currency": currency,
        "starts_on": "2026-09-01",
        "ends_on": "2026-09-30",
        "unclaimed": "hold",
        "usage_basis": "site",
        "components": components or [rd.ComponentInRun(None, ["TRAIN"], "TOKEN", str(fee))],
        "received": str(fee),
        "recognised_before": {},
        "brought_forward": {},
        "weights_from": {},
    }
    return rd.LicenceInRun(**{**values, **changes})


def a_document(licences=None, shares_by=(), *, band=(0, 3000), **changes):
    values = {
        "format": 1,
        "period": "2026-09",
        "first_period": "2026-09",
        "hub": rd.HubInRun("EUR", 300, 100, band),
        "weights": rd.WeightsInRun({"standard": "1000"}, {"TRAIN": "1000"}),
        "collectives": {
            "DE": a_collective(),
            "GB": a_collective("GBP"),
            "JP": a_collective("JPY"),
        },
        "licences": {"HUB-000001": a_licence()} if licences is None else licences,
        "rates": RATES,
        "shares_by": list(shares_by),
        "classes": {"MATCHED": (1, "5")},
        "reports": {"DE": "0" * 64},
    }
    return rd.RunDocument(**{**values, **changes})


def parts(*ids):
    return [{"id": each, "uses": [], "unit": "", "fee": "1"} for each in ids]


parties = st.sampled_from(["DE", "GB", "JP", "~UNMATCHED", "~DISPUTED"])


licence_parts = st.tuples(
    st.sampled_from(["HUB", "DE", "GB", "JP"]),
    st.sampled_from(["EUR", "GBP", "JPY"]),
    st.integers(0, 10**12),
    st.dictionaries(parties, st.integers(1, 10**30), max_size=5),
)


def build(parts):
    licences, shares_by = {}, []
    for count, (licensor, currency, fee, weights) in enumerate(parts):
        number = f"{licensor}-{count:06d}"
        licences[number] = a_licence(
            licensor,
            currency=currency,
            fee=fee,
            weights_from={number: "period" if weights else "none"},
        )
        shares_by += [(number, party, str(weight)) for party, weight in weights.items()]
    return a_document(licences, shares_by)
