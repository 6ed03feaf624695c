"""A month with everything wrong in it: what counts for nothing, and what holds a run up."""

import gzip
import zlib
from codecs import BOM_UTF8
from datetime import UTC, datetime

import msgspec
import pytest

from federation.scenario import documents as ask
from federation.scenario.client import ApiError
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.harness import (
    DAY,
    PERIOD,
    a_line,
    all_reported,
    month_over,
    nothing_changes,
    report_lines,
    resumed,
    send,
    soon,
    tell,
)

RUNS = "{ runs { edges { node { runId state document } } } }"
RUN = """
    ... on Run { runId state calculatedBy approvedBy } ... on Refused { code message } } }"""

CALCULATE = "mutation($period: String!) { calculateRun(period: $period) {" + RUN
ADVISE = "mutation($run: String!) { adviseRun(runId: $run) {" + RUN
APPROVE = "mutation($run: String!) { approveRun(runId: $run) {" + RUN

WITHDRAW = (
    """mutation($run: String!, $reason: String!) {
  withdrawRun(runId: $run, reason: $reason) {"""
    + RUN
)

REVOKE = """mutation($number: String!) {
  revokeLicence(number: $number, reason: "breach") {
    __typename ... on Refused { code message } } }"""

NEWS = "https://news.example"


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


async def the_run(small):
    [run] = await small.at(HUB, "auditor").rows(RUNS)
    return run


async def test_what_a_licence_or_the_registry_does_not_cover_earns_nothing(small):
    small.set_clock(datetime(2026, 9, 15, tzinfo=UTC))
    await small.at(HUB, "licensing").ask(REVOKE, number="HUB-000002")
    await small.silence()
    small.set_clock(DAY)
    first = a_line(
        "s-1", "HUB-000001", "https://late.example/1", occurred_at="2026-09-15T00:00:00Z"
    )
    sites = [
        first,
        first,
        first | {"units": 101},
        a_line("s-2", "HUB-000001", "https://both.example/1", units=300),
        a_line("s-3", "HUB-000001", "https://nowhere.example/1"),
        a_line("s-4", "HUB-000001", "https://late.example/1", occurred_at="2026-09-14T23:59:59Z"),
        a_line("s-5", "HUB-000001", f"{NEWS}/de/1", use="SEARCH"),
        a_line("s-6", "HUB-000001", f"{NEWS}/de/private/1"),
        a_line("s-7", "HUB-000001", f"{NEWS}/de/1", units=0),
        a_line("s-8", "HUB-000001", f"{NEWS}/de/1", use="FLY"),
        a_line("s-9", "HUB-000009", f"{NEWS}/de/1"),
        a_line("s-10", "DE-000001", f"{NEWS}/de/1"),
        a_line("s-11", "HUB-000001", f"{NEWS}/de/1", occurred_at="2026-08-31T23:59:59.999999Z"),
    ]
    lab_one = [
        a_line("l-1", "DE-000001", "https://nowhere.example/1", units=40),
        a_line("l-2", "HUB-000002", f"{NEWS}/de/1", use="SEARCH"),
    ]
    lab_two = [
        a_line(
            "l-1",
            "HUB-000002",
            f"{NEWS}/de/1",
            use="SEARCH",
            units=70,
            occurred_at="2026-09-15T00:00:00Z",  # the instant of its revocation: not after it
        ),
        a_line(
            "l-2",
            "HUB-000002",
            f"{NEWS}/de/1",
            use="SEARCH",
            occurred_at="2026-09-15T00:00:00.000001Z",
        ),
    ]
    received = [
        await report_lines(small.at("FR", "sites"), sites),
        await report_lines(small.lab("lab-one"), lab_one),
        await report_lines(small.lab("lab-two"), lab_two),
    ]
    async with nothing_changes(small):
        again = await report_lines(small.at("FR", "sites"), sites)
        with pytest.raises(ApiError, match="IDEMPOTENCY_CONFLICT"):
            await report_lines(small.at("FR", "sites"), sites[:-1])
    month_over(small)
    await small.story().publish_rates()
    await all_reported(small)
    await small.at(HUB, "settlement").ask(ask.CALCULATE, period=PERIOD)
    document = decode((await the_run(small))["document"].encode())

    assert [item["classes"] for item in received] == [
        {
            "ACCEPTED": [5, "700"],
            "OUT_OF_SCOPE": [1, "100"],
            "other_source": [1, "100"],
            "OUTSIDE_TERM": [1, "100"],
            "DUPLICATE": [1, "100"],
            "CONFLICT": [1, "101"],
            "MALFORMED": [2, "100"],
            "UNKNOWN_LICENCE": [1, "100"],
        },
        {"ACCEPTED": [1, "40"], "UNKNOWN_LICENCE": [1, "100"]},
        {"ACCEPTED": [1, "70"], "OUTSIDE_TERM": [1, "100"]},
    ]
    assert again == received[0]
    assert [(item["line"], item["verdict"], item["reason"]) for item in again["problems"]] == [
        (2, "DUPLICATE", "event_id s-1 was accepted before"),
        (3, "CONFLICT", "event_id s-1 was accepted before"),
        (9, "MALFORMED", "units: 0 is not at least 1"),
        (10, "MALFORMED", "use: unknown 'FLY'"),
        (11, "UNKNOWN_LICENCE", "no such licence: HUB-000009"),
    ]
    assert [(item["line"], item["verdict"]) for item in again["notices"]] == [
        (7, "OUT_OF_SCOPE"),
        (12, "other_source"),
        (13, "OUTSIDE_TERM"),
    ]
    assert [(item["line"], item["verdict"]) for item in received[2]["notices"]] == [
        (2, "OUTSIDE_TERM")
    ]
    assert document.classes == {
        "CONFLICT": (1, "101"),
        "DISPUTED": (1, "300"),
        "DUPLICATE": (1, "100"),
        "MALFORMED": (2, "100"),
        "MATCHED": (2, "170"),
        "NOT_REPRESENTED": (2, "200"),
        "OUTSIDE_TERM": (1, "100"),
        "OUT_OF_SCOPE": (1, "100"),
        "RESERVED": (1, "100"),
        "UNKNOWN_LICENCE": (2, "200"),
        "UNMATCHED": (1, "40"),
        "other_source": (1, "100"),
    }
    assert document.shares_by == [
        ("DE-000001", "~UNMATCHED", str(40 * 1_000 * 1_000 * 10_000)),
        ("HUB-000001", "FR", str(100 * 1_000 * 1_000 * 10_000)),
        ("HUB-000001", "~DISPUTED", str(300 * 1_000 * 1_000 * 10_000)),
        ("HUB-000002", "DE", str(70 * 3_000 * 250 * 10_000)),
    ]


async def test_a_batch_is_the_same_however_it_is_packed(small):
    body = BOM_UTF8 + msgspec.json.encode(a_line("e", "HUB-000001", f"{NEWS}/de/private/1"))
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body), "identity": body}
    answers = [
        await send(
            small,
            "DE",
            "/usage",
            sent,
            token=small.at("DE", "sites")._token(),
            headers={"Idempotency-Key": "alike", "Content-Encoding": encoding},
        )
        for encoding, sent in packed.items()
    ]

    assert [(answer.status, answer.body) for answer in answers] == [
        (
            200,
            {
                "batch": "alike",
                "lines": 1,
                "classes": {"ACCEPTED": [1, "100"]},
                "problems": [],
                "notices": [
                    {"line": 1, "verdict": "RESERVED", "reason": "withheld from TRAIN: OPTED_OUT"}
                ],
            },
        )
    ] * 3


async def pay(small, licence, amount):
    paid = {"licence": licence, "on": "2026-09-01", "amount": amount, "key": f"paid {licence}"}
    await small.at(HUB, "settlement").ask(ask.RECEIPT, **paid)


async def publish(small, day):
    rates = f"date,currency,rate\n{day},GBP,0.85\n".encode()
    await small.at(HUB, "settlement").post("/settlement/rates", rates, "text/csv")


def message_of(answer):
    return answer.body["data"]["calculateRun"]["message"]


async def test_a_run_waits_for_every_report_and_for_a_fresh_rate(small):
    officer = small.at(HUB, "settlement")
    small.set_clock(DAY)
    lines = [a_line("l-1", "HUB-000002", f"{NEWS}/fr/1", use="SEARCH")]
    await report_lines(small.lab("lab-two"), lines)
    await pay(small, "HUB-000002", "800000")
    await small.stop("GB")
    month_over(small)
    await officer.ask(ask.CUT_OFF, period=PERIOD)
    await soon(lambda: forwarded(small, {"DE", "FR"}), what="forwarding")
    async with nothing_changes(small):
        missing = await tell(small, HUB, officer, CALCULATE, period=PERIOD)
        never_cut_off = await tell(small, HUB, officer, CALCULATE, period="2026-08")
    await small.start("GB")
    small.hurry()
    await all_reported(small)
    found = []
    for day in [None, "2026-10-01", "2026-09-22"]:
        if day is not None:
            await publish(small, day)
        async with nothing_changes(small):
            found.append((await tell(small, HUB, officer, CALCULATE, period=PERIOD)).code)
    await publish(small, "2026-09-23")
    done = await tell(small, HUB, officer, CALCULATE, period=PERIOD)

    assert missing.code == "MISSING_REPORT"
    assert "(2026-09: GB; the others only wait: DE, FR)" in message_of(missing)
    assert never_cut_off.code == "NOT_CUT_OFF"
    assert "(2026-08)" in message_of(never_cut_off)
    assert found == ["NO_RATE", "NO_RATE", "STALE_RATE"]
    assert done.body["data"]["calculateRun"]["state"] == "CALCULATED"


async def forwarded(small, codes):
    """Tell whether these nodes, and no other, have sent their lines on, and wait for nothing."""
    rows = (await small.rows([HUB]))[HUB].get("metering_progress", [])
    done = {party for _, party, lines, *_ in rows if lines is not None}
    waiting = [await small.at(code, "auditor").ask(ask.DELIVERIES) for code in sorted(codes)]
    return done == codes and not any(waiting)


async def test_a_month_is_approved_by_somebody_else_and_then_stands(small):
    two_hats = small.at(HUB, "two-hats", "settlement_officer")
    small.set_clock(DAY)
    lines = [a_line("s-1", "HUB-000001", f"{NEWS}/fr/1")]
    await report_lines(small.at("DE", "sites"), lines)
    await pay(small, "HUB-000001", "1200000")
    month_over(small)
    clerk = small.at(HUB, "clerk", "settlement_officer")
    await clerk.post("/settlement/rates", small.scenario.rates, "text/csv")
    await all_reported(small)
    run = (await two_hats.ask(CALCULATE, period=PERIOD))["runId"]
    approver = small.at(HUB, "approver")
    async with nothing_changes(small):
        too_early = await tell(small, HUB, approver, APPROVE, run=run)
        again = await two_hats.ask(CALCULATE, period=PERIOD)
    await two_hats.ask(ADVISE, run=run)
    await small.silence()
    async with nothing_changes(small):
        maker = await tell(
            small, HUB, small.at(HUB, "two-hats", "settlement_approver"), APPROVE, run=run
        )
        entered = await tell(
            small, HUB, small.at(HUB, "clerk", "settlement_approver"), APPROVE, run=run
        )
        officer = await tell(small, HUB, two_hats, APPROVE, run=run)
        nobody = await tell(small, HUB, approver, APPROVE, run="0" * 64)
    await approver.ask(APPROVE, run=run)
    await small.silence()
    async with nothing_changes(small):
        twice = await approver.ask(APPROVE, run=run)
        same = await two_hats.ask(CALCULATE, period=PERIOD)
        back = await tell(small, HUB, approver, WITHDRAW, run=run, reason="doubt")
        cut_off = await small.at(HUB, "settlement").ask(ask.CUT_OFF, period=PERIOD)

    late = await report_lines(small.at("DE", "sites"), [lines[0] | {"event_id": "s-2"}], "late")
    unmoved = await two_hats.ask(CALCULATE, period=PERIOD)
    returned = {"licence": "HUB-000001", "on": "2026-09-30", "amount": "-5000", "key": "returned"}
    await small.at(HUB, "settlement").ask(ask.RECEIPT, **returned)
    async with nothing_changes(small):
        locked = await tell(small, HUB, two_hats, CALCULATE, period=PERIOD)

    assert too_early.code == "RUN_STATE"
    assert again["runId"] == run
    assert [maker.code, entered.code] == ["SAME_PERSON", "SAME_PERSON"]
    assert [officer.code, nobody.code] == ["NOT_ALLOWED", "UNKNOWN_RUN"]
    assert (
        twice
        == same
        == unmoved
        == {
            "runId": run,
            "state": "APPROVED",
            "calculatedBy": "two-hats",
            "approvedBy": "approver",
        }
    )
    assert back.code == "RUN_STATE"
    assert cut_off == {"__typename": "Period"}
    assert late["classes"] == {"LATE": [1, "100"]}
    assert locked.code == "LOCKED_PERIOD"
    assert "receipts of HUB-000001 are others" in locked.body["data"]["calculateRun"]["message"]
