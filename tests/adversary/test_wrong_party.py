"""One collective sends whatever it likes: it is refused or parked, and the month goes on."""

import json

import pytest

from federation.cli.check import check_server
from federation.scenario import documents as ask
from federation.signing.keys import SigningKey
from tests.adversary.four import all_have_forwarded_but, settle_without
from tests.adversary.rogue import NONE_SHA, Rogue, encoded, rows
from tests.adversary.staff import CONFIRM, DROP, IDS, RETRY, drop
from tests.adversary.wrong_messages import AFTER_CUT_OFF, ANY_TIME, USAGE
from tests.databases import contents
from tests.federation.harness import (
    HUB,
    PERIOD,
    month_over,
)

# Messages, and who of the staff dropped them.
OF_MESSAGES = (
    "store_inbox",
    "store_parked",
    "store_parked_part",
    "store_outbox",
    "store_lease",
    "people_act",
)


async def kept(small, code=HUB):
    """Every row of a server, but for messages themselves and what its staff did with them."""
    found = await contents(small.databases[code])
    return {table: rows for table, rows in found.items() if table not in OF_MESSAGES}


async def parks(small, rogue, wrongs):
    """Send wrong messages, see each parked with its code, drop it as two people."""
    before = await kept(small)
    for wrong in wrongs:
        status, answer = await rogue.send(wrong.kind, wrong.stream, wrong.body(rogue))
        number = rogue.numbers.get(wrong.stream)

        assert (wrong.name, status, answer) == (
            wrong.name,
            200,
            {"up_to": {wrong.stream: number}, "not_taken": {}},
        )
        [row] = await small.at(HUB, "auditor").rows(ask.PARKED)
        assert (wrong.name, row["sender"], row["kind"], row["code"]) == (
            wrong.name,
            "ZZ",
            wrong.kind,
            wrong.code,
        )
        [item] = await small.at(HUB, "operator").ask(WORK)
        assert item == {
            "kind": "parked message",
            "subject": f"ZZ #{row['id']}",
            "why": f"{wrong.kind}: {wrong.code}: {row['reason']}",
            "turn": "federation_operator",
        }
        if wrong is wrongs[0]:  # examining counts what is parked, whatever it is
            assert (await check_server(small.running[HUB].config)).parked == 1
        await drop(small)
        assert await small.at(HUB, "operator").ask(WORK) == []
    assert await kept(small) == before


WORK = "{ workList { kind subject why turn } }"


async def test_every_wrong_message_is_parked_and_the_honest_month_goes_on(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")

    await parks(small, rogue, ANY_TIME)
    month_over(small)
    await small.at(HUB, "settlement").ask(ask.CUT_OFF, period=PERIOD)
    await all_have_forwarded_but(small, "ZZ")
    await parks(small, rogue, AFTER_CUT_OFF)
    run = await settle_without(small, "ZZ")

    for code in ("DE", "FR", "GB"):
        found = await small.at(code, "auditor").ask(ask.DISTRIBUTION, period=PERIOD)
        assert (code, found) == (code, {"runId": run})


async def test_a_delivery_that_is_no_delivery_is_refused_and_nothing_is_kept(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    message = {"stream": USAGE, "sequence": 1, "kind": "usage.forwarded", "body": {}}
    before = await contents(small.databases[HUB])
    for name, body in {
        "no JSON": b"{",
        "no list": b"{}",
        "201 messages": encoded([message] * 201),
        "an unknown kind": encoded([{**message, "kind": "run.approved"}]),
        "an unknown field": encoded([{**message, "sender": "DE"}]),
        "number 0": encoded([{**message, "sequence": 0}]),
        "a stream that is none": encoded([{**message, "stream": "usage/a b"}]),
    }.items():
        status, answer = await rogue.post(HUB, "/federation/inbox", body)

        assert (name, status, answer["code"]) == (name, 422, "BAD_MESSAGE")
    deep = b"[" * 100_000 + b"]" * 100_000
    body = b'[{"stream":"registry","sequence":1,"kind":"registry.delta","body":' + deep + b"}]"
    status, answer = await rogue.post(HUB, "/federation/inbox", body)
    assert (status, answer["code"]) == (400, "TOO_DEEP")
    assert await contents(small.databases[HUB]) == before


async def test_who_is_not_who_he_says_is_heard_by_nobody(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    body = encoded([{"stream": USAGE, "sequence": 1, "kind": "usage.forwarded", "body": {}}])
    stranger = SigningKey.generate()
    before = {code: await contents(small.databases[code]) for code in (HUB, "DE")}

    as_stranger = await rogue.post(HUB, "/federation/inbox", body, key=stranger)
    to_a_node = await rogue.post("DE", "/federation/inbox", body)

    assert (as_stranger[0], as_stranger[1]["code"]) == (401, "INVALID_TOKEN")
    assert (to_a_node[0], to_a_node[1]["code"]) == (403, "NOT_ALLOWED")
    assert {code: await contents(small.databases[code]) for code in (HUB, "DE")} == before


async def test_what_follows_a_parked_message_waits_behind_it_and_goes_on(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    wrong = rogue.licence("ZZ-000001", fee__total="7")
    right = rogue.licence("ZZ-000001")
    for message in (wrong, right):
        await rogue.send("licence.issued", "licence/ZZ-000001", message)
    other = rogue.licence("ZZ-000002")
    await rogue.send("licence.issued", "licence/ZZ-000002", other)
    states = [(row["state"], row["code"]) for row in await small.at(HUB, "operator").rows(IDS)]
    assert states == [("PARKED", "BAD_OFFER"), ("BEHIND", "")]
    numbers = "SELECT number FROM licensing_licence WHERE licensor = 'ZZ' ORDER BY number"
    assert await rows(small, HUB, numbers) == [("ZZ-000002",)]

    [first, second] = await small.at(HUB, "operator").rows(IDS)
    again = await small.at(HUB, "operator").ask(RETRY, id=first["id"])
    with pytest.raises(Exception, match="MESSAGE_STATE"):
        await small.at(HUB, "operator").ask(RETRY, id=second["id"])
    assert (again["state"], again["code"]) == ("PARKED", "BAD_OFFER")
    await drop(small)

    assert await small.at(HUB, "operator").rows(IDS) == []
    assert await rows(small, HUB, numbers) == [("ZZ-000001",), ("ZZ-000002",)]


async def test_who_proposed_to_drop_a_message_does_not_confirm_it(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    await rogue.send("licence.issued", "licence/ZZ-000001", rogue.licence(fee__total="7"))
    operator = small.at(HUB, "operator")
    [row] = await operator.rows(IDS)
    with pytest.raises(Exception, match="MESSAGE_STATE"):
        await small.at(HUB, "second-operator").ask(CONFIRM, id=row["id"])
    await operator.ask(DROP, id=row["id"], reason="nonsense")

    with pytest.raises(Exception, match="SAME_PERSON"):
        await operator.ask(CONFIRM, id=row["id"])

    [left] = await operator.rows(IDS)
    assert left["state"] == "PARKED"


async def test_a_sender_with_too_much_parked_keeps_the_rest(federation, monkeypatch):
    monkeypatch.setattr("federation.store.inbox.PARKED_MAX", 2)
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    for n in (1, 2):
        await rogue.send("run.answered", f"run/{n:064d}", {"run_id": "x"})

    status, answer = await rogue.send("run.answered", f"run/{NONE_SHA[:-1]}3", {"run_id": "x"})

    assert (status, answer["up_to"]) == (200, {})
    [why] = answer["not_taken"].values()
    assert why["code"] == "PARKED_FULL"
    honest = await small.at("DE", "auditor").ask(ask.DELIVERIES)
    assert honest == []


async def test_a_number_is_used_once_and_none_is_left_out(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    await rogue.send("licence.issued", "licence/ZZ-000001", rogue.licence())
    for sequence, body, code in (
        (1, rogue.licence(status="REVOKED"), "MESSAGE_CONFLICT"),
        (3, rogue.licence(version=2), "OUT_OF_ORDER"),
    ):
        envelope = {
            "stream": "licence/ZZ-000001",
            "sequence": sequence,
            "kind": "licence.issued",
            "body": body,
        }
        _, answer = await rogue.post(HUB, "/federation/inbox", encoded([envelope]))

        assert answer["up_to"] == {}
        assert answer["not_taken"]["licence/ZZ-000001"]["code"] == code
    [(version,)] = await rows(
        small, HUB, "SELECT version FROM licensing_licence WHERE number = 'ZZ-000001'"
    )
    assert version == 1


def test_each_wrong_message_has_a_name_of_its_own():
    assert len(ANY_TIME) + len(AFTER_CUT_OFF) == 129
    assert len({wrong.name for wrong in [*ANY_TIME, *AFTER_CUT_OFF]}) == 129


async def test_the_desk_takes_an_application_with_an_open_invitation_only(federation):
    small = federation
    rogue = await Rogue.instead_of(small, "ZZ")
    stranger = SigningKey.generate()
    hub = small.running[HUB]
    terms = json.loads(
        (await rows(small, HUB, "SELECT terms FROM trust_application WHERE code = 'ZZ'"))[0][0]
    )
    invited = await small.at(HUB, "operator").ask(ask.INVITE, note="somebody")

    def application(**changes):
        found = {
            "entity_id": rogue.entity_id,
            "url": "http://127.0.0.1:9",
            "jwk": stranger.public_jwk(),
            "terms": {**terms, "code": "NEW"},
            "invitation": invited["code"],
        }
        return json.dumps(found | changes).encode()

    before = await contents(small.databases[HUB])
    for name, body, key, code in (
        ("no invitation", application(invitation="x" * 32), stranger, "INVITATION"),
        ("another's key", application(), rogue.key, "INVALID_TOKEN"),
        ("an admitted entity id", application(), stranger, "APPLICATION_REFUSED"),
        ("the hub's entity id", application(entity_id=hub.config.entity_id), stranger,
         "NOT_ALLOWED"),
        ("an address inside", application(url="http://10.0.0.1"), stranger, "ADDRESS_REFUSED"),
        ("a metadata service", application(url="http://169.254.169.254"), stranger,
         "ADDRESS_REFUSED"),
        ("no currency", application(terms={**terms, "code": "NEW", "settlement_currency": "XQQ"}),
         stranger, "UNKNOWN_CURRENCY"),
        ("a plan without its particulars",
         application(terms={**terms, "code": "NEW", "plan": "hybrid"}), stranger, "BAD_BODY"),
    ):  # fmt: skip
        status, answer = await rogue.post(HUB, "/federation/admission", body, key=key)

        assert (name, answer["code"], status // 100) == (name, code, 4)
    for entity_id, code in (
        (rogue.entity_id, "APPLICATION_REFUSED"),
        (hub.config.entity_id, "RESERVED_CODE"),
    ):
        caller = entity_id.upper()
        body = application(entity_id=caller)
        status, answer = await rogue.post(
            HUB, "/federation/admission", body, key=stranger, caller=caller
        )

        assert (caller, answer["code"], status // 100) == (caller, code, 4)
    assert await contents(small.databases[HUB]) == before
