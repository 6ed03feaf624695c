"""Wrong messages of an admitted collective, each with the code by which the hub parks it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from joserfc.jwk import ECKey

from federation.signing.keys import SigningKey
from tests.adversary.rogue import NONE_SHA, Rogue, a_claim, a_line, unsigned
from tests.federation.harness import PERIOD

USAGE = f"usage/{PERIOD}"
RUN = f"run/{NONE_SHA}"
HELD = ["ZZ-000001", "UNMATCHED", "x.example/", "1000", "EUR"]  # in a licence of its own
PAID = [PERIOD, NONE_SHA, "ADJ-2026-09-HC-DE-000001-ZZ-EUR", "1000", "EUR"]
OWN = ["HUB-000001", "TRAIN", "ZZ", None, "1000", "10"]  # a weight of its own, within its units


class Wrong(NamedTuple):
    """A kind of message, the stream it comes in, what it says, and the code it is parked with."""

    name: str
    kind: str
    stream: str
    body: Callable[[Rogue], Any]
    code: str


def _licence(name: str, code: str = "BAD_MESSAGE", **changes: Any) -> Wrong:
    return Wrong(
        f"a licence {name}",
        "licence.issued",
        f"licence/{changes.get('number', 'ZZ-000001')}",
        lambda rogue: rogue.licence(**changes),
        code,
    )


def _report(name: str, code: str = "BAD_REPORT", **changes: Any) -> Wrong:
    return Wrong(
        f"a report {name}", "usage.report", USAGE, lambda rogue: rogue.report(**changes), code
    )


def _weight(name: str, code: str, *row: Any) -> Wrong:
    return _report(name, code, weights=[list(row)])


def _routed(name: str, code: str, *lines: list[Any], **changes: Any) -> Wrong:
    return Wrong(
        f"lines {name}",
        "usage.routed",
        USAGE,
        lambda rogue: rogue.routed(*lines, **changes),
        code,
    )


def _delta(name: str, code: str, version: int = 2, **facts: Any) -> Wrong:
    body = {"version": version, "claims": [], "reservations": [], **facts}
    return Wrong(f"a registry {name}", "registry.delta", "registry", lambda _: body, code)


def _said(name: str, kind: str, stream: str, code: str, **body: Any) -> Wrong:
    return Wrong(name, kind, stream, lambda _: body, code)


def _stated(name: str, code: str, *items: list[Any]) -> Wrong:
    body = {"period": PERIOD, "run_id": NONE_SHA, "items": list(items)}
    return Wrong(f"held items {name}", "held.stated", "held", lambda _: body, code)


def opt_out(**changes: Any) -> dict[str, Any]:
    row = {
        "holder_id": None,
        "host": "zz.example",
        "path": "/",
        "wildcard": False,
        "use": "*",
        "effective_at": "2026-01-01T00:00:00Z",
    }
    return row | changes


def share(**changes: Any) -> dict[str, Any]:
    row = {
        "share_id": "5" * 32,
        "source": "6" * 32,
        "host": "zz.example",
        "path": "/a$",
        "wildcard": False,
        "use": "*",
        "right": "ALL",
        "bps": 5_000,
        "starts_at": "2026-01-01T00:00:00Z",
    }
    return row | changes


FILTER = {
    "node": "ZZ",
    "epoch": 1,
    "part": 1,
    "parts": 1,
    "keys": 1,
    "seed": "A" * 22 + "==",
    "sha256": NONE_SHA,
    "as_of": "2026-09-01T00:00:00Z",
    "data": "A" * 11 + "=",
}


def _filter(name: str, code: str, **changes: Any) -> Wrong:
    return Wrong(
        f"a filter {name}",
        "identifiers.filtered",
        "identifiers",
        lambda _: FILTER | changes,
        code,
    )


def _new_keys(name: str, code: str, **changes: Any) -> Wrong:
    body = {"node": "ZZ", "epoch": 1, "number": 1, "as_of": FILTER["as_of"], "keys": ""}
    return Wrong(
        f"identifiers {name}",
        "identifiers.added",
        "identifiers",
        lambda _: body | changes,
        code,
    )


def _keys(name: str, code: str, jwks: Callable[[Rogue], list[Any]]) -> Wrong:
    return Wrong(f"keys: {name}", "keys.published", "keys", lambda r: {"jwks": jwks(r)}, code)


STRANGER = SigningKey.generate()


def _entity(name: str, code: str, whose: str = "ZZ", **changes: Any) -> Wrong:
    """Change what it says of itself; a change may be a function of the rogue."""

    def body(rogue: Rogue) -> Any:
        made = {key: each(rogue) if callable(each) else each for key, each in changes.items()}
        return {"code": whose, "statement": rogue.word(**made)}

    return Wrong(f"an entity: {name}", "entity.changed", "roster", body, code)


def _no_word(name: str, code: str, statement: str) -> Wrong:
    body = {"code": "ZZ", "statement": statement}
    return Wrong(f"an entity: {name}", "entity.changed", "roster", lambda _: body, code)


def _at(address: Any) -> Any:
    return {"oauth_authorization_server": {"federation_address": address}}


def _fresh(count: int) -> list[dict[str, str]]:
    return [SigningKey.generate().public_jwk() for _ in range(count)]


ANY_TIME = [
    _keys("none", "BAD_MESSAGE", lambda _: []),
    _keys("nine", "BAD_MESSAGE", lambda _: _fresh(9)),
    _keys("one that is text", "BAD_MESSAGE", lambda _: ["key"]),
    _keys("a private one", "INVALID_KEY", lambda _: [ECKey.generate_key().as_dict(private=True)]),
    _keys("of another curve", "INVALID_KEY",
          lambda _: [ECKey.generate_key("P-384").as_dict(private=False)]),
    _keys("one under another name", "INVALID_KEY", lambda _: [_fresh(1)[0] | {"kid": "mine"}]),
    _keys("the same twice", "BAD_KEYS", lambda _: _fresh(1) * 2),
    _keys("the hub's", "BAD_KEYS", lambda r: [*_fresh(1), r.small.key("HUB").public_jwk()]),
    _keys("another's", "BAD_KEYS", lambda r: [r.small.key("DE").public_jwk()]),
    _filter("of another node", "NOT_ALLOWED", node="DE"),
    _filter("of other bytes than its digest", "BAD_FILTER"),
    _filter("larger than its keys take", "BAD_FILTER", data="A" * 12),
    _filter("of more parts than there may be", "BAD_MESSAGE", parts=65),
    _filter("that is no base64", "BAD_MESSAGE", data="!"),
    _filter("that begins in its middle", "BAD_FILTER", part=2),
    _filter("from what is to come", "BAD_FILTER", as_of="2036-09-01T00:00:00Z"),
    _new_keys("of another node", "NOT_ALLOWED", node="DE"),
    _new_keys("without a filter", "BAD_FILTER"),
    _new_keys("of half a key", "BAD_MESSAGE", keys="AAAA"),
    _entity("signed with a key of nobody", "INVALID_TOKEN", key=STRANGER,
            jwks=lambda r: [r.key.public_jwk(), STRANGER.public_jwk()]),
    _entity("another's word", "INVALID_TOKEN", entity="https://de.federation.example"),
    _entity("for another", "NOT_ALLOWED", "DE"),
    _entity("of the hub", "NOT_ALLOWED", "HUB"),
    _entity("from the future", "INVALID_TOKEN", now=lambda r: r.small.clock() + timedelta(days=1)),
    _entity("with another's key", "BAD_KEYS",
            jwks=lambda r: [r.key.public_jwk(), r.small.key("DE").public_jwk()]),
    _entity("with the hub's key", "BAD_KEYS",
            jwks=lambda r: [r.key.public_jwk(), r.small.key("HUB").public_jwk()]),
    _entity("with a key twice", "BAD_KEYS", jwks=lambda r: [r.key.public_jwk()] * 2),
    _entity("without an address", "BAD_ADDRESS", metadata={}),
    _entity("at no address", "BAD_ADDRESS", metadata=_at("file:///etc/passwd")),
    _entity("at a list", "BAD_ADDRESS", metadata=_at(["http://a.example"])),
    _no_word("no statement", "INVALID_TOKEN", "x"),
    _no_word("one of 70,000 bytes", "MESSAGE_TOO_LARGE", "x" * 70_000),
    _no_word("one of 66,000 characters", "BAD_MESSAGE", "x" * 66_000),
    _licence("with a fee that is no number", fee__total="abc", grant__components__0__fee="abc"),
    _licence("with a fee below 0", fee__total="-5", grant__components__0__fee="-5"),
    _licence("whose fee is another sum", "BAD_OFFER", fee__total="1001"),
    _licence("of 9,999 years", "BAD_OFFER", term__ends_on="9999-12-31"),
    _licence("that ends before it starts", "BAD_OFFER", term__ends_on="2026-08-31"),
    _licence("in no currency", "UNKNOWN_CURRENCY", fee__currency="XQQ"),
    _licence("of version 0", version=0),
    _licence("with a unit nobody counts", "BAD_OFFER", grant__components__0__unit="PAGE"),
    _licence("with 301 territories", grant__territories=["DE"] * 301),
    _licence("in a status of its own", status="FREE"),
    _licence("without components", grant__components=[]),
    _licence("under the hub's number", "BAD_SIGNATURE", number="HUB-000001"),
    _licence("under another's number", "BAD_SIGNATURE", number="DE-000001"),
    _licence("of another licensor", "BAD_SIGNATURE", licensor__party="DE"),
    Wrong(
        "a licence under two numbers",
        "licence.issued",
        "licence/ZZ-000002",
        lambda rogue: {**rogue.licence(), "number": "ZZ-000002"},
        "BAD_SIGNATURE",
    ),
    Wrong(
        "a licence that nobody signed",
        "licence.issued",
        "licence/ZZ-000003",
        lambda rogue: {
            "number": "ZZ-000003",
            "signed": unsigned(rogue.licence("ZZ-000003")["signed"]),
        },
        "INVALID_TOKEN",
    ),
    Wrong(
        "a licence of 300 KB",
        "licence.issued",
        "licence/ZZ-000004",
        lambda rogue: rogue.licence("ZZ-000004", terms__uri="x" * 300_000),
        "MESSAGE_TOO_LARGE",
    ),
    Wrong(
        "a licence in the registry's stream",
        "licence.issued",
        "registry",
        lambda rogue: rogue.licence(),
        "BAD_MESSAGE",
    ),
    _delta("that leaves a version out", "VERSION_GAP", version=7),
    _delta("of version 0", "BAD_MESSAGE", version=0),
    _delta("with a host in capitals", "BAD_DELTA", claims=[a_claim(host="ZZ.example")]),
    _delta("with a path that is not normal", "BAD_DELTA", claims=[a_claim(path="/a/../b")]),
    _delta("with a path without a slash", "BAD_MESSAGE", claims=[a_claim(path="a")]),
    _delta("with a claim twice", "BAD_DELTA", claims=[a_claim(), a_claim()]),
    _delta("with a claim of 65 characters", "BAD_MESSAGE", claims=[a_claim(claim_id="a" * 65)]),
    _delta("with an unknown field", "BAD_MESSAGE", claims=[a_claim(node="DE")]),
    _delta("that withdraws a claim it never made", "BAD_DELTA", withdrawn_claims=["0" * 32]),
    _delta("with an opt-out of nothing", "BAD_MESSAGE", reservations=[opt_out(host=None)]),
    _delta("with an opt-out of two", "BAD_MESSAGE", reservations=[opt_out(holder_id="a" * 32)]),
    _delta("with an instant without a zone", "BAD_MESSAGE",
           reservations=[opt_out(effective_at="2026-01-01T00:00:00")]),
    _delta("with a share of more than the whole", "BAD_MESSAGE", shares=[share(bps=10_001)]),
    _delta("with a share of nothing", "BAD_MESSAGE", shares=[share(bps=0)]),
    _delta("with a share of a pattern", "BAD_MESSAGE", shares=[share(path="/*.pdf")]),
    _delta("with a share of no right", "BAD_MESSAGE", shares=[share(right="RENTAL")]),
    _delta("with a share nowhere", "BAD_MESSAGE", shares=[share(territories=["Germany"])]),
    _delta("with a share that ends before it begins", "BAD_MESSAGE",
           shares=[share(ends_at="2025-12-31T00:00:00Z")]),
    _delta("with a share since no zone", "BAD_MESSAGE",
           shares=[share(starts_at="2026-01-01T00:00:00")]),
    _delta("with a share of another", "BAD_MESSAGE", shares=[share(node="DE")]),
    _delta("with a share on a host in capitals", "BAD_DELTA", shares=[share(host="ZZ.example")]),
    _delta("with a share twice", "BAD_DELTA", shares=[share(), share(bps=1)]),
    _delta("with 51 shares of a place", "BAD_DELTA",
           shares=[share(share_id=f"s-{number}", bps=1) for number in range(51)]),
    _delta("that withdraws a share it never told", "BAD_DELTA", withdrawn_shares=["5" * 32]),
    _said("a receipt of the hub's licence", "receipt.recorded", "licence/HUB-000001",
          "BAD_RECEIPT", id="r-1", licence="HUB-000001", received_on="2026-09-01", amount="1"),
    _said("a receipt of no number", "receipt.recorded", "licence/ZZ-000009",
          "BAD_MESSAGE", id="r-2", licence="ZZ-000009", received_on="2026-09-01", amount="1e9"),
    _said("a receipt of a licence nobody has", "receipt.recorded", "licence/ZZ-000009",
          "UNKNOWN_LICENCE", id="r-3", licence="ZZ-000009", received_on="2026-09-01", amount="1"),
    _said("a claim on held money in another's name", "held.claimed", "claim/HC-DE-000001",
          "BAD_MESSAGE", id="HC-DE-000001", url_key="press.example/a", claim_id="a" * 32,
          evidence="mine", filed_by="x"),
    _stated("of a run nobody has", "HELD_STATEMENT", HELD),
    _stated("in the hub's licence", "HELD_STATEMENT", ["HUB-000001", *HELD[1:]]),
    _stated("in another's licence", "HELD_STATEMENT", HELD, ["DE-000001", *HELD[1:]]),
    _stated("stated twice", "HELD_STATEMENT", HELD, HELD),
    _stated("of less than nothing", "BAD_MESSAGE", [*HELD[:3], "-1000", "EUR"]),
    _stated("of a sum with 61 digits", "BAD_MESSAGE", [*HELD[:3], "1" * 61, "EUR"]),
    _stated("that are none", "BAD_MESSAGE"),
    _stated("by the thousand and one", "BAD_MESSAGE", *[HELD] * 1_001),
    _said("a release that nobody ordered", "held.done", "claim/HC-DE-000001",
          "UNKNOWN_HELD_CLAIM", id="HC-DE-000001", payments=[PAID]),
    _said("a claim on held money by an id of 65 characters", "held.claimed",
          "claim/HC-ZZ-000001", "BAD_MESSAGE", id="HC-ZZ-000001", url_key="press.example/a",
          claim_id="a" * 65, evidence="mine", filed_by="x"),
    _said("the end of an order that nobody gave", "held.not_released", "claim/HC-DE-000001",
          "UNKNOWN_HELD_CLAIM", id="HC-DE-000001", reason="not held"),
    _said("a claim of a number that is none", "held.claimed", "claim/HC-DE-X",
          "BAD_MESSAGE", id="HC-DE-X", url_key="a.example/", claim_id="c", evidence="e",
          filed_by="f"),
    _said("an answer to a run nobody has", "run.answered", RUN, "RUN_ANSWER",
          run_id=NONE_SHA, answer="CONCURRED", reason=None),
    _said("an answer that is none", "run.answered", RUN, "BAD_MESSAGE",
          run_id=NONE_SHA, answer="PERHAPS", reason=None),
    _said("a registration in a state of its own", "licence.registered", "licence/HUB-000001",
          "BAD_MESSAGE", number="HUB-000001", version=1, state="PERHAPS"),
    _report("before the cut-off", "MONTH_STATE"),
    _routed("before the cut-off", "MONTH_STATE"),
    _said("the end of a month that is not cut off", "usage.forwarded", USAGE, "COUNT_MISMATCH",
          period=PERIOD, lines=0),
    _said("a month that is none", "usage.forwarded", "usage/2026-13", "BAD_MESSAGE",
          period="2026-13", lines=0),
]  # fmt: skip

AFTER_CUT_OFF = [
    _report("in another's name", party="DE"),
    _report("with a gap", "REPORT_SEQUENCE", sequence=7),
    _report("of another format", "BAD_MESSAGE", format=2),
    _report("with a class of its own", classes={"PAID": [1, "1"]}),
    _report("with lines below 0", "BAD_MESSAGE", classes={"MATCHED": [-1, "1"]}),
    _weight("with a weight below 0", "BAD_MESSAGE",
            "HUB-000001", "TRAIN", "DE", "a" * 32, "-29999999999999", "10"),
    _weight("with a weight that is no number", "BAD_MESSAGE",
            "HUB-000001", "TRAIN", "ZZ", None, "abc", "10"),
    _weight("with a weight of 61 digits", "BAD_MESSAGE",
            "HUB-000001", "TRAIN", "ZZ", None, "1" * 61, "10"),
    _weight("with a weight for another and no claim", "BAD_REPORT",
            "HUB-000001", "TRAIN", "DE", None, "1000", "10"),
    _weight("with a weight for a claim nobody has", "BAD_REPORT",
            "HUB-000001", "TRAIN", "DE", "a" * 32, "1000", "10"),
    _weight("with a weight for who is not there", "BAD_REPORT",
            "HUB-000001", "TRAIN", "XX", "a" * 32, "1000", "10"),
    _weight("of a licence nobody has", "BAD_REPORT",
            "HUB-000077", "TRAIN", "ZZ", None, "1000", "10"),
    _weight("of a use not licensed", "BAD_REPORT",
            "HUB-000001", "SEARCH", "ZZ", None, "1000", "10"),
    _weight("with more weight than its units have", "BAD_REPORT",
            "HUB-000001", "TRAIN", "ZZ", None, "999999999999999", "10"),
    _report("with a row twice", weights=[OWN, OWN]),
    _report("with more held than it had",
            held=[["HUB-000001", "TRAIN", "~UNMATCHED", "x.example/", "1000", "11"]]),
    _report("that holds for a late node", "BAD_MESSAGE",
            held=[["HUB-000001", "TRAIN", "~LATE:DE", "x.example/", "1000", "1"]]),
    _routed("in another's name", "NOT_ALLOWED", origin="DE"),
    _routed("to themselves", "BAD_MESSAGE", owner="ZZ"),
    _routed("to nobody", "UNKNOWN_NODE", owner="XX"),
    _routed("in no order", "BAD_MESSAGE", a_line("e-2"), a_line("e-1")),
    _routed("twice", "BAD_MESSAGE", a_line(), a_line()),
    _routed("of 0 units", "BAD_MESSAGE", a_line(units=0)),
    _routed("of a licence nobody has", "BAD_LINE", a_line(licence="HUB-000077")),
    _routed("of a use not licensed", "BAD_LINE", a_line(use="SEARCH")),
    _routed("of a licence that labs count", "BAD_LINE", a_line(licence="HUB-000002", use="SEARCH")),
    _routed("of another month", "BAD_MESSAGE", a_line(occurred_at=0)),
    Wrong("lines of the last month there is", "usage.routed", "usage/9999-12",
          lambda rogue: rogue.routed(period="9999-12"), "BAD_MESSAGE"),
    _routed("of no address", "MALFORMED_URL", a_line(url="mailto:x@example.com")),
    _routed("without an id", "BAD_MESSAGE", a_line("")),
    _said("lines below 0 as the end", "usage.forwarded", USAGE, "BAD_MESSAGE",
          period=PERIOD, lines=-1),
]  # fmt: skip
