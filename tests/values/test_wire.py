"""What two servers say to each other: instants have a zone in a year of UTC, ids their length."""

import msgspec
import pytest

from federation.claimindex.messages import RegistryDelta
from federation.licensing.objects import Acceptance
from federation.settlement.messages import RunAdvised
from federation.store.messages import BadMessageError, opened
from federation.suspense.messages import HeldClaimed
from tests.adversary.rogue import a_claim

WRONG = [
    ("2026-10-15T09:00:00", "has no zone"),
    ("9999-12-31T23:59:59-14:00", "is in no year of UTC"),
    ("0001-01-01T00:00:00+14:00", "is in no year of UTC"),
]
LAST = "9999-12-31T23:59:59Z"


def an_advice(until):
    return msgspec.json.encode({"run_id": "ab" * 32, "document": "", "objections_until": until})


def a_delta(**instants):
    opt_out = {
        "holder_id": "h-1",
        "host": None,
        "path": None,
        "wildcard": False,
        "use": "*",
        "effective_at": "2026-01-01T00:00:00Z",
    }
    return msgspec.json.encode({"version": 1, "reservations": [opt_out | instants]})


@pytest.mark.parametrize(("instant", "why"), WRONG)
@pytest.mark.parametrize(
    ("kind", "body", "name"),
    [
        (RunAdvised, an_advice, "objections_until"),
        (RegistryDelta, lambda instant: a_delta(effective_at=instant), "effective_at"),
        (RegistryDelta, lambda instant: a_delta(ends_at=instant), "ends_at"),
    ],
)
def test_an_instant_that_cannot_be_kept_is_no_part_of_a_message(kind, body, name, instant, why):
    with pytest.raises(BadMessageError, match=f"`{name}` {why}"):
        opened(body(instant), kind)


@pytest.mark.parametrize(("instant", "why"), WRONG)
def test_nor_of_a_licence(instant, why):
    written = msgspec.json.encode({"subject": "ada", "role": "lab", "at": instant})
    with pytest.raises(msgspec.ValidationError, match=f"`at` {why}"):
        msgspec.json.decode(written, type=Acceptance)


def test_every_other_instant_is_taken():
    assert opened(an_advice(LAST), RunAdvised).objections_until.year == 9999
    assert opened(an_advice(None), RunAdvised).objections_until is None
    assert opened(a_delta(ends_at=LAST), RegistryDelta).version == 1


def claimed(claim_id):
    said = {"id": "HC-ZZ-000001", "url_key": "a.example/", "evidence": "e", "filed_by": "x"}
    return HeldClaimed, said | {"claim_id": claim_id}


def told_of(**facts):
    return RegistryDelta, {"version": 1} | facts


@pytest.mark.parametrize(
    "said",
    [
        claimed,
        lambda name: told_of(claims=[a_claim(claim_id=name)]),
        lambda name: told_of(claims=[a_claim(holder_id=name)]),
        lambda name: told_of(withdrawn_claims=[name]),
    ],
    ids=["claim on held money", "claim", "holder", "claim withdrawn"],
)
def test_an_id_of_64_characters_is_taken_whole_and_a_longer_one_not_at_all(said):
    kind, body = said("a" * 64)
    _, longer = said("a" * 65)
    taken = opened(msgspec.json.encode(body), kind)

    assert f'"{"a" * 64}"' in msgspec.json.encode(taken).decode()
    with pytest.raises(BadMessageError):
        opened(msgspec.json.encode(longer), kind)
