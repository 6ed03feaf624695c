"""What a hostile hub says of a run, one lie at a time; the rest of its message is honest."""

from msgspec.structs import replace

from federation.settlement.run_document import ComponentInRun
from tests.adversary.hostile_hub import Lie, but, other_document


def of_terms(name, part, why, **fields):
    """Return a run by other terms: the hub's, or those of a collective."""

    def change(document):
        if part == "hub":
            return replace(document, hub=replace(document.hub, **fields))
        if part == "weights":
            return replace(document, weights=replace(document.weights, **fields))
        own = replace(document.collectives[part], **fields)
        return replace(document, collectives={**document.collectives, part: own})

    return Lie(name, "FR", other_document(change), f"{why} are others than were agreed")


def of_weights(name, why, **changes):
    """Return a run with other weights, by licence key and party; None takes a row out."""

    def change(document):
        rows = {(key, party): weight for key, party, weight in document.shares_by}
        rows |= {tuple(where.split()): weight for where, weight in changes["rows"].items()}
        shares_by = [(*where, weight) for where, weight in rows.items() if weight]
        document = replace(document, shares_by=shares_by)
        origins, licences = changes.get("origins", {}), dict(document.licences)
        for number, origin in origins.items():
            licences[number] = replace(licences[number], weights_from={number: origin})
        return replace(document, licences=licences)

    return Lie(name, "FR", other_document(change), why)


def without_report(document):
    """Return a run for which two people are said to have declared FR's report missing."""
    reports = {code: digest for code, digest in document.reports.items() if code != "FR"}
    rows = [
        (key, f"~LATE:{party}" if party == "FR" else party, weight)
        for key, party, weight in document.shares_by
    ]
    return replace(document, reports=reports, shares_by=rows)


def without_licence(number):
    """Return a change of a run that leaves a licence out."""

    def change(document):
        licences = {name: terms for name, terms in document.licences.items() if name != number}
        rows = [row for row in document.shares_by if row[0] != number]
        return replace(document, licences=licences, shares_by=rows)

    return change


def of_month(name, period, why):
    """Return a run of another month, with nothing in it: what was outstanding would be paid."""

    def change(document):
        first = min(period, document.first_period)
        return replace(
            document,
            period=period,
            first_period=first,
            licences={},
            shares_by=[],
            rates={},
            classes={},
        )

    return Lie(name, "FR", other_document(change), why)


def of_licence(name, why, **fields):
    """Return a run that states DE's licence otherwise."""

    def change(document):
        terms = replace(document.licences[DE_1], **fields)
        return replace(document, licences={**document.licences, DE_1: terms})

    return Lie(name, "DE", other_document(change), why)


def invented(document):
    """Return a run with a licence of DE that DE never sold."""
    number = "DE-000002"
    terms = document.licences[DE_1]
    zero, origin = {number: "0"}, {number: "none"}
    more = replace(terms, recognised_before=zero, brought_forward=zero, weights_from=origin)
    return replace(document, licences={**document.licences, number: more})


def other_report(document):
    """Return a run that is built on another report of FR."""
    return replace(document, reports={**document.reports, "FR": "0" * 64})


HUB_1, HUB_2, DE_1, WHO = "HUB-000001", "HUB-000002", "DE-000001", ("DE", "FR", "GB")
DEAR = ComponentInRun(None, ["GROUND", "TRAIN"], "TOKEN", "99999999999")
FEES, USAGE, TERMS = "the hub's fees", "the weights of usage", "the terms of FR"
WEIGHS = f"{HUB_1} weighs 30900000000000 for FR, not"
SOLD = f"{DE_1} was sold by other terms"
CAME_IN = f"365000 came in for {DE_1}, not"
LEFT = "2026-09 does not go on from what 2026-08 left of our licences"

LIES = [
    of_month("October first", "2026-10", "the run of 2026-09 is not followed here yet"),
    Lie(
        "more is set off than is owed",
        "FR",
        but(set_off="1"),
        "1 of FR with HUB, which owes it 0",
        "NO_SUCH_DEBIT",
    ),
    Lie(
        "a debit is given up that is none",
        "FR",
        but(waived="123456789"),
        "123456789 of FR with HUB, which owes it 0",
        "NO_SUCH_DEBIT",
    ),
    of_terms("a higher fee", "hub", FEES, fee_bps=900),
    of_terms("a higher fee of national licences", "hub", FEES, national_fee_bps=900),
    of_terms("a wider band", "hub", FEES, fee_band_bps=(0, 10_000)),
    of_terms("a heavier use", "weights", USAGE, use_weight={"TRAIN": "1"}),
    of_terms("a heavier tier", "weights", USAGE, tier_weight={"standard": "9"}),
    of_terms("another admin fee", "FR", TERMS, admin_fee_bps=10_000),
    of_terms("another currency", "FR", TERMS, settlement_currency="GBP"),
    of_terms("another plan", "FR", TERMS, plan="per_usage", base_bps=None),
    of_terms("a minimum that is never reached", "FR", TERMS, minimum_payment="99999999999"),
    of_weights("our weight is less", f"{WEIGHS} 1", rows={f"{HUB_1} FR": "1"}),
    of_weights("our weight is more", f"{WEIGHS} 9", rows={f"{HUB_1} FR": "9" * 30}),
    of_weights("our weight is none", f"{WEIGHS} 0", rows={f"{HUB_1} FR": None}),
    of_weights(
        "nothing was used",
        f"{HUB_1} has usage of ours",
        rows=dict.fromkeys(f"{HUB_1} {who}" for who in WHO),
        origins={HUB_1: "none"},
    ),
    of_weights(
        "earlier months stand in", f"{HUB_1} has usage of ours", rows={}, origins={HUB_1: "earlier"}
    ),
    of_weights(
        "weight without usage", f"{HUB_2} weighs 0 for FR, not 1", rows={f"{HUB_2} FR": "1"}
    ),
    Lie(
        "our report is missing",
        "FR",
        other_document(without_report),
        "2026-09 leaves out our report: concur to follow it",
    ),
    Lie(
        "another report",
        "FR",
        other_document(other_report),
        "2026-09 is not built on our usage report",
    ),
    Lie(
        "a licence that we were used under",
        "FR",
        other_document(without_licence(HUB_1)),
        f"2026-09 leaves out {HUB_1}, which was used",
    ),
    Lie(
        "our own licence is left out",
        "DE",
        other_document(without_licence(DE_1)),
        f"2026-09 leaves out {DE_1}, which we licensed",
    ),
    Lie(
        "a licence that we never sold",
        "DE",
        other_document(invented),
        "2026-09: we never licensed DE-000002",
    ),
    of_licence("a dearer licence of ours", SOLD, components=[DEAR]),
    of_licence("it was sold to another", SOLD, licensee="lab-two"),
    of_licence("it was sold in another currency", SOLD, currency="GBP"),
    of_licence("it began later", SOLD, starts_on="2026-09-02"),
    of_licence("it holds for nobody", SOLD, unclaimed="exclude"),
    of_licence("it ended early", f"{DE_1} ended on None, not on 2026-10-31", ended_on="2026-10-31"),
    of_licence("more came in for it", f"{CAME_IN} 99999999999", received="99999999999"),
    of_licence("nothing came in for it", f"{CAME_IN} 0", received="0"),
    of_licence("a month before took it all", LEFT, recognised_before={DE_1: "365000"}),
    of_licence("a month before left more", LEFT, brought_forward={DE_1: "1"}),
]
AFTER_SEPTEMBER = of_month("November", "2026-11", "2026-11 does not follow 2026-09")


def with_rate(document):
    """Return a run by another rate of sterling."""
    return replace(document, rates={"GBP": replace(document.rates["GBP"], rate="0.0085")})


def with_fee(document):
    """Return a run by another clearing fee."""
    return replace(document, hub=replace(document.hub, fee_bps=900))


def with_receipts(document):
    """Return a run for which more came in."""
    terms = replace(document.licences[HUB_1], received="99999999999")
    return replace(document, licences={**document.licences, HUB_1: terms})


OURS = "2026-09 is not corrected by our latest usage report"
MORE = "the correction of 2026-09 changes more than its usage"
OF_CORRECTIONS = [
    Lie(
        "more is asked for than is owed",
        "DE",
        but(called="500000000"),
        "what is asked for is 0, not 500000000",
    ),
    Lie("a debit is asked for", "DE", but(called="1"), "what is asked for is 0, not 1"),
    Lie(
        "it is owed more than the runs differ",
        "DE",
        but(remittance="-700000000"),
        "the remittance is -20050, not -700000000",
    ),
    Lie(
        "it gets a unit less",
        "FR",
        but(remittance="73089"),
        "the remittance is 73090, not 73089",
    ),
    Lie(
        "more is set off than is owed",
        "FR",
        but(set_off="1"),
        "1 of FR with HUB, which owes it 0",
        "NO_SUCH_DEBIT",
    ),
    Lie(
        "more is set off than it gets",
        "GB",
        but(set_off="18747"),
        "18747 of 18746",
        "TOO_MUCH_SET_OFF",
    ),
    Lie("others left the net", "DE", but(left=["GB"]), "we were not told that GB left its net"),
    Lie(
        "it changes a rate",
        "GB",
        other_document(with_rate),
        "the correction of 2026-09 changes the rate of GBP",
    ),
    Lie("it changes a fee", "GB", other_document(with_fee), MORE),
    Lie("it changes receipts", "GB", other_document(with_receipts), MORE),
    Lie("it is built on no report of ours", "FR", other_document(other_report), OURS),
    Lie("it leaves our report out", "FR", other_document(without_report), OURS),
    of_weights(
        "our weight is less in it",
        f"{HUB_1} weighs 32454000000000 for FR, not 1",
        rows={f"{HUB_1} FR": "1"},
    ),
    of_licence("it changes what a month before took", LEFT, recognised_before={DE_1: "1"}),
]
