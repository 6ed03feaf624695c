"""A member's statement and what it is made of."""

from hypothesis import strategies as st

from federation.documents.statements import (
    StatementInputs,
    build_statement,
)
from federation.settlement import run_document as rd
from federation.settlement.computed import computed_with
from federation.settlement.rates import Rates
from federation.settlement.run import compute

PUBLISHED = {
    "GBP": ("2026-09-30", "0.8338"),
    "JPY": ("2026-09-29", "184.21"),
    "KWD": ("2026-09-30", "0.35513"),
    "USD": ("2026-09-30", "1.1355"),
}


RUN_ID = "ab" * 32


def a_collective(currency, admin_fee_bps=1200):
    return rd.CollectiveInRun(
        country="DE",
        settlement_currency=currency,
        admin_fee_bps=admin_fee_bps,
        collecting_fee_bps=1000,
        minimum_payment="0",
        plan="per_usage",
        base_bps=None,
        tiers=None,
    )


def a_licence(licensor, *, currency="EUR", fee=100_000, brought=0, components=(None,)):
    number = f"{licensor}-000001"
    keys = [number if c is None else f"{number}/{c}" for c in components]
    return rd.LicenceInRun(
        licensor=licensor,
        licensee="lab",
        currency=currency,
        starts_on="2026-09-01",
        ends_on="2026-09-30",
        unclaimed="hold",
        usage_basis="site",
        components=[rd.ComponentInRun(c, ["TRAIN"], "TOKEN", str(fee)) for c in components],
        received=str(fee * len(components)),
        recognised_before={},
        brought_forward=dict.fromkeys(keys, str(brought)),
        weights_from={},
    )


def a_document(licences, shares_by, currencies=None):
    nodes = currencies or {"GB": "GBP", "JP": "JPY", "DE": "EUR"}
    document = rd.RunDocument(
        format=1,
        period="2026-09",
        first_period="2026-09",
        hub=rd.HubInRun("EUR", 300, 100, (0, 10_000)),
        weights=rd.WeightsInRun({"standard": "1000"}, {"TRAIN": "1000", "GROUND": "1500"}),
        collectives={code: a_collective(currency) for code, currency in nodes.items()},
        licences=licences,
        rates={},
        shares_by=[(key, party, str(weight)) for key, party, weight in shares_by],
        classes={},
        reports={},
    )
    return computed_with(document, Rates("EUR", PUBLISHED)).document


def a_statement(document, node, *, uses=None, units=None, **changes):
    return build_statement(
        StatementInputs(
            document=document,
            result=compute(document),
            run_id=RUN_ID,
            node=node,
            statement_no=f"{node}-1",
            use_weights=uses or {},
            use_units=units or {},
            **changes,
        )
    )


GB_LICENCE = a_document(
    {"GB-000001": a_licence("GB", components=("text",))},
    [
        ("GB-000001/text", "GB", 5),
        ("GB-000001/text", "JP", 4),
        ("GB-000001/text", "~UNMATCHED", 1),
    ],
)


currencies = st.sampled_from(["EUR", "GBP", "JPY", "KWD", "USD"])


uses = st.dictionaries(
    st.sampled_from(["TRAIN", "GROUND", "SEARCH"]), st.integers(0, 1000), max_size=3
)
