"""What a lab's methods ask, and what they make of the answers: in both faces."""

import inspect
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from graphql import build_schema, parse, validate

from federation.schema.limits import KNOWN, weigh
from federation_client import (
    AsyncLab,
    Expected,
    Lab,
    NotRegisteredInTimeError,
    NotUnderstoodError,
    RefusedError,
    ReportStoppedError,
    UsageLine,
)
from federation_client.generated import questions
from federation_client.generated.words import LicenceStatus, RightsStatus, UsageBasis
from federation_client.question import Question
from federation_client.usage import Counted
from tests.client.faces import FACES, Bearer, Server, data, from_lab

ROOT = Path(__file__).parents[2]
in_both_faces = pytest.mark.parametrize("face", FACES)
MONEY = {"minor": "12345678901234567890", "currency": "EUR"}
DAYS = date(2026, 10, 1), date(2027, 9, 30)
TERM = {"startsOn": "2026-10-01", "endsOn": "2027-09-30"}
LINE = UsageLine(
    event_id="e-1",
    licence="HUB-000001",
    url="https://a.example/",
    use="TRAIN",
    units=2,
    occurred_at=datetime(2026, 10, 1, 12, tzinfo=UTC),
)
RECEIPT = {"batch": "k-0", "lines": 1, "classes": {"ACCEPTED": [1, "2"]}, "problems": []}


def a_licence(*states, status="ACTIVE"):
    registered = [
        {"node": node, "state": state, "reason": None}
        for node, state in zip("ABC", states, strict=False)
    ]
    return TERM | {
        "__typename": "Licence",
        "number": "HUB-000001",
        "version": 1,
        "licensor": "HUB",
        "licensee": "lab-one",
        "status": status,
        "uses": ["TRAIN"],
        "fee": MONEY,
        "unclaimed": "exclude",
        "usageBasis": "site",
        "registrations": registered,
    }


def an_offer():
    line = {"node": "DE", "use": "TRAIN", "contentTier": "premium", "units": "500000"}
    gap = {"node": "FR", "use": "TRAIN", "contentTier": "premium", "reason": "no price"}
    return TERM | {
        "__typename": "Offer",
        "id": "o-1",
        "kind": "TARIFF",
        "state": "OFFERED",
        "licensee": "lab-one",
        "uses": ["TRAIN"],
        "fee": MONEY,
        "tariffVersion": 1,
        "reason": None,
        "expiresAt": "2026-10-15T12:00:00+00:00",
        "licence": None,
        "lines": [line | {"per1000": MONEY, "amount": MONEY}],
        "notCovered": [gap],
    }


@in_both_faces
def test_a_quote_is_asked_for_as_the_schema_wants_it_and_read_as_typed(face):
    expected = [Expected(node="DE", use="TRAIN", content_tier="premium", units=500_000)]
    server = Server(data(requestQuote=an_offer()))

    found = from_lab(face, server, lambda lab: lab.quote(expected, *DAYS, key="2026-10"))

    line = {"node": "DE", "use": "TRAIN", "contentTier": "premium", "units": 500_000}
    wanted = TERM | {"expected": [line], "usageBasis": "site", "territories": []}
    assert server.asked[0]["variables"] == {"quote": wanted, "key": "2026-10"}
    assert found.fee.minor == found.lines[0].amount.minor == 12_345_678_901_234_567_890
    assert (found.lines[0].units, found.not_covered[0].node) == (500_000, "FR")
    assert found.expires_at == datetime(2026, 10, 15, 12, tzinfo=UTC)
    assert found.starts_on == date(2026, 10, 1)


@in_both_faces
def test_a_quote_whose_answer_was_lost_is_asked_for_again_with_the_key_of_this_call(face):
    server = Server(httpx.ReadTimeout(""), *[data(requestQuote=an_offer())] * 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("federation.access.pauses._FIRST_DELAY_SECONDS", 0.0)
        for _ in range(2):
            from_lab(face, server, lambda lab: lab.quote([], *DAYS))

    first, again, second = (each["variables"]["key"] for each in server.asked)
    assert first == again != second


@in_both_faces
@pytest.mark.parametrize(("key", "sent"), [(None, "accept-o-1"), ("k", "k"), ("", "accept-o-1")])
def test_what_is_bought_has_a_key_that_is_the_same_each_time(face, key, sent):
    server = Server(httpx.ReadTimeout(""), data(acceptOffer=a_licence("PENDING")))
    buy = lambda lab: lab.buy("o-1", key=key)  # noqa: E731

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("federation.access.pauses._FIRST_DELAY_SECONDS", 0.0)
        found = from_lab(face, server, buy)

    assert [each["variables"] for each in server.asked] == [{"offer": "o-1", "key": sent}] * 2
    assert (found.number, found.status) == ("HUB-000001", LicenceStatus.ACTIVE)


@in_both_faces
def test_a_licence_is_waited_for_until_no_node_is_silent(face, monkeypatch):
    monkeypatch.setattr(f"federation_client.{face}.lab._LOOK_SECONDS", 0.001)
    looks = [a_licence("PENDING", "REGISTERED"), a_licence("REGISTERED", "REFUSED")]
    server = Server(*(data(licence=look) for look in looks))

    found = from_lab(face, server, lambda lab: lab.registered("HUB-000001"))

    assert [each.state for each in found.registrations] == ["REGISTERED", "REFUSED"]


@in_both_faces
def test_nodes_that_are_silent_for_long_are_named(face):
    server = Server(data(licence=a_licence("PENDING", "REGISTERED", "PENDING")))

    with pytest.raises(NotRegisteredInTimeError, match=r"HUB-000001 at A, C"):
        from_lab(face, server, lambda lab: lab.registered("HUB-000001", seconds=0))

    assert len(server.requests) == 1


@in_both_faces
def test_a_site_without_a_token_stands_beside_those_with_one(face):
    refused = {"place": 1, "code": "OUTSIDE_LICENCE", "message": "The licence does not cover this."}
    minted = {"tokens": ["t", None], "expiresIn": 900, "refused": [refused]}
    server = Server(data(mintTokens={"__typename": "LicenceTokens"} | minted))
    sites = [["https://a.example/"], ["https://b.example/"]]

    found = from_lab(face, server, lambda lab: lab.tokens("HUB-000001", sites))

    assert (found.tokens, found.refused[0].code) == (("t", None), "OUTSIDE_LICENCE")
    assert server.asked[0]["variables"] == {"licence": "HUB-000001", "sites": sites, "uses": None}


@in_both_faces
def test_usage_is_sent_line_by_line_under_the_key_of_its_batch(face):
    server = Server(httpx.Response(200, json=RECEIPT))

    [receipt] = from_lab(face, server, lambda lab: lab.report([LINE, LINE], key="k"))

    [request] = server.requests
    assert request.headers["idempotency-key"] == "k-0"
    assert (request.url.path, request.headers["content-type"]) == ("/usage", "application/x-ndjson")
    line = {
        "licence": "HUB-000001",
        "url": "https://a.example/",
        "use": "TRAIN",
        "units": 2,
        "occurred_at": "2026-10-01T12:00:00Z",
        "event_id": "e-1",
    }
    assert [msgspec.json.decode(each) for each in request.content.split(b"\n")] == [line, line]
    assert receipt.classes == {"ACCEPTED": Counted(1, 2)}


@in_both_faces
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (httpx.Response(409, json={"code": "IDEMPOTENCY_CONFLICT", "message": "."}), RefusedError),
        (httpx.Response(200, content=b"{}"), NotUnderstoodError),
    ],
)
def test_a_report_that_stops_says_what_is_taken_and_why(face, monkeypatch, answer, cause):
    monkeypatch.setattr("federation_client.batches.LINES_MAX", 1)
    server = Server(httpx.Response(200, json=RECEIPT), answer)

    with pytest.raises(ReportStoppedError) as stopped:
        from_lab(face, server, lambda lab: lab.report([LINE] * 4, key="k", done=1))

    assert (stopped.value.done, len(stopped.value.receipts)) == (2, 1)
    assert isinstance(stopped.value.__cause__, cause)
    keys = [each.headers["idempotency-key"] for each in server.requests]
    assert keys == ["k-1", "k-2"]


def test_each_line_has_an_id_of_its_own():
    made = [
        UsageLine(licence="L", url="u", use="TRAIN", units=1, occurred_at=LINE.occurred_at)
        for _ in range(2)
    ]

    assert made[0].event_id != made[1].event_id


def test_a_word_that_a_later_hub_adds_is_read_and_is_none_that_is_known():
    found = msgspec.json.decode(b'"LICENSABLE_SOON"', type=RightsStatus)

    assert (found, type(found)) == ("LICENSABLE_SOON", RightsStatus)
    assert found not in list(RightsStatus)
    assert msgspec.json.decode(b'"RESERVED"', type=RightsStatus) is RightsStatus.RESERVED
    assert msgspec.json.encode(UsageBasis.LAB) == b'"lab"'
    for wrong in (b'""', b"1", b"null", b'"' + b"A" * 65 + b'"'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=RightsStatus)


def every_question():
    """Return each question that the client knows, with something for each parameter."""
    found = {}
    for name, make in vars(questions).items():
        if inspect.isfunction(make) and make.__module__ == questions.__name__:
            found[name] = make(**dict.fromkeys(inspect.signature(make).parameters, "x"))
    return found


def test_what_may_be_sent_twice_reads_only_or_has_a_key():
    assert {name for name, each in every_question().items() if not each.is_repeatable} == {
        "mint_tokens",
    }
    assert len(every_question()) == 11
    assert all(isinstance(each, Question) for each in every_question().values())


@pytest.mark.parametrize("name", every_question())
def test_a_hub_takes_each_document(name):
    weigh(parse(every_question()[name].document, max_tokens=KNOWN.tokens), KNOWN)


def test_a_node_takes_each_question_but_those_of_the_hub_alone():
    text = (ROOT / "federation" / "schema" / "node.graphql").read_text("utf-8")
    schema = build_schema(text, assume_valid_sdl=True)
    of_hub = {
        name for name, each in every_question().items() if validate(schema, parse(each.document))
    }

    assert of_hub == {"coverage", "licence_usage", "request_quote", "works"}


def test_both_faces_have_the_same_methods():
    def methods(face):
        return {
            name.replace("aclose", "close"): list(inspect.signature(each).parameters)
            for name, each in vars(face).items()
            if inspect.isfunction(each) and not name.startswith("__")
        }

    assert methods(AsyncLab) == methods(Lab)
    assert {*methods(Lab)} == {
        *("buy", "close", "coverage", "crawler", "invoices", "licence", "licences", "offers"),
        *("quote", "registered", "report", "rights", "rights_by_batch", "tokens", "usage", "works"),
    }


async def test_a_lab_closes_what_it_opened_and_not_what_it_was_given():
    url, bearer = "https://hub.example", Bearer()
    async with httpx.AsyncClient() as http:
        async with AsyncLab(url, bearer, http=http), AsyncLab(url, bearer) as own:
            pass
        assert (http.is_closed, own._http.is_closed) == (False, True)
    with httpx.Client() as http:
        with Lab(url, bearer, http=http), Lab(url, bearer) as own:
            pass
        assert (http.is_closed, own._http.is_closed) == (False, True)
