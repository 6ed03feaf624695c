"""Acts on webhooks: who may do what to whose, and what is refused without a row written."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from federation.people.tables import AuditAct
from federation.trust.key_secret import KeySecret, WrongKeySecretError, new_secret
from federation.trust.principals import NotAllowedError
from federation.values.event import EventType
from federation.webhooks import attempts, service, store
from federation.webhooks.recording import WAITING_MAX
from federation.webhooks.service import LIVE_MAX
from federation.webhooks.tables import Delivery, Webhook
from tests.databases import contents
from tests.webhooks.keeping import (
    AUDITOR,
    INVOICES,
    KEYS,
    LAB,
    LICENSING,
    MEMBER,
    NOON,
    OPERATOR,
    OTHER_LAB,
    PROGRAM,
    REGISTRY,
    SETTLEMENT,
    URL,
    VALUE,
    did,
    happen,
    hook,
    join,
    person,
    refused,
    rows,
    subscribe,
)

LICENCES = {
    EventType.LICENCE_GRANTED,
    EventType.LICENCE_SUSPENDED,
    EventType.LICENCE_REINSTATED,
    EventType.LICENCE_REVOKED,
    EventType.LICENCE_ENDED_EARLY,
}
BILLING = {
    EventType.INVOICE_ISSUED,
    EventType.CREDIT_NOTE_ISSUED,
    EventType.PAYMENT_RECEIVED,
}
PAYMENTS = {EventType.PAYMENT_SENT, EventType.PAYMENT_RETURNED}
OPT_OUTS = {EventType.OPT_OUT_RECORDED, EventType.OPT_OUT_ENDED}
CONSENT = {
    EventType.CONSENT_RECORDED,
    EventType.CONSENT_ENDED,
    EventType.RESERVATION_FOUND,
    EventType.RESERVATION_ENDED,
}
STATEMENTS = {EventType.STATEMENT_READY}
BOOKS = PAYMENTS | STATEMENTS | {EventType.REMITTANCE_RECEIVED}
MAY = [
    (LAB, LICENCES | BILLING | PAYMENTS | OPT_OUTS | CONSENT),
    (MEMBER, STATEMENTS | PAYMENTS | OPT_OUTS),
    (LICENSING, LICENCES | BILLING),
    (SETTLEMENT, LICENCES | BILLING | BOOKS),
    (person("settlement_approver"), LICENCES | BILLING | BOOKS),
    (REGISTRY, OPT_OUTS | CONSENT),
    (OPERATOR, LICENCES | OPT_OUTS | CONSENT),
]


@pytest.mark.parametrize(("who", "types"), MAY)
async def test_somebody_is_told_of_what_it_reads_and_of_nothing_else(database, who, types):
    for number, kind in enumerate(EventType):
        if kind in types:
            given = await subscribe(database, who, types=[kind], key=f"k{number}", now=NOON)
            assert (given.webhook.role, given.webhook.party) == (next(iter(who.roles)), who.party)
            await did(database, who, service.end, given.webhook.id)
        else:
            act = service.subscribe
            assert await refused(database, who, act, URL, [kind], key="k") == "BAD_WEBHOOK", kind


@pytest.mark.parametrize(
    "who",
    [
        AUDITOR,
        PROGRAM,
        person("federation_operator"),
        person("site", "m-1"),
        person("peer", "GB"),
        person("lab"),
    ],
)
async def test_a_stranger_to_webhooks_makes_none(database, who):
    assert await refused(database, who, service.subscribe, URL, INVOICES, key="k") == "NOT_ALLOWED"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "ftp://lab-one.example/",
        "lab-one.example/hooks",
        "https://user:word@lab-one.example/",
        "https://lab-one.example/#part",
        "https://lab-one.example/a b",
        "https://lab-one.example\\@other.example/",
        "https://läb.example/",
        "https://lab-one.example:99999/",
        "https://lab-one.example:0/",
        "https://[::1/",
        "https://lab-one.example/" + "x" * 477,
    ],
)
async def test_a_url_that_is_none_is_refused(database, url):
    code = await refused(database, LAB, service.subscribe, url, INVOICES, key="k")
    assert code == "BAD_WEBHOOK_URL"


async def test_a_url_may_have_500_characters(database):
    url = "https://lab-one.example/" + "x" * 476
    assert (await subscribe(database, url=url)).webhook.url == url


async def test_no_type_or_a_twofold_one(database):
    assert await refused(database, LAB, service.subscribe, URL, [], key="k") == "BAD_WEBHOOK"
    given = await subscribe(database, types=[*INVOICES, *INVOICES])
    assert service.types_of(given.webhook) == INVOICES


async def test_the_same_request_again_gives_the_webhook_without_its_secret(database):
    first = await subscribe(database)
    before = await contents(database)
    again = await subscribe(database)
    assert await contents(database) == before

    assert first.secret is not None
    assert first.secret.startswith("whsec_")
    assert (again.webhook.id, again.secret) == (first.webhook.id, None)
    other = "https://lab-one.example/others"
    code = await refused(database, LAB, service.subscribe, other, INVOICES, key="k")
    assert code == "IDEMPOTENCY_CONFLICT"


async def test_a_secret_is_kept_encrypted_only(database):
    given = await subscribe(database)
    row = await hook(database, given.webhook.id)
    assert KEYS.decrypted(row.secret).decode() == given.secret
    assert given.secret not in str(await contents(database))


async def test_ten_webhooks_of_a_party_and_no_more_until_one_ends(database):
    made = [await subscribe(database, key=f"k{number}") for number in range(LIVE_MAX)]
    act = service.subscribe
    assert await refused(database, LAB, act, URL, INVOICES, key="more") == "TOO_MANY_WEBHOOKS"
    await subscribe(database, OTHER_LAB)
    await did(database, LAB, service.end, made[0].webhook.id)
    assert (await subscribe(database, key="more")).webhook.state == "ACTIVE"


ON_ONE = [
    (service.change, URL, INVOICES),
    (service.pause,),
    (service.resume,),
    (service.end,),
    (service.rotate,),
    (service.ping,),
]


@pytest.mark.parametrize(("act", "rest"), [(act, rest) for act, *rest in ON_ONE])
async def test_anothers_webhook_does_not_exist(database, act, rest):
    given = await subscribe(database)
    for who in (OTHER_LAB, MEMBER, LICENSING, OPERATOR, person("member", "lab-one")):
        code = await refused(database, who, act, given.webhook.id, *rest)
        assert code == "UNKNOWN_WEBHOOK", who
    for who in (AUDITOR, PROGRAM):
        assert await refused(database, who, act, given.webhook.id, *rest) == "NOT_ALLOWED", who
    assert await refused(database, LAB, act, "wh-none", *rest) == "UNKNOWN_WEBHOOK"


async def test_anothers_delivery_is_not_replayed(database):
    given = await subscribe(database)
    await happen(database, given.webhook.id)
    [told] = await rows(database)
    assert await refused(database, OTHER_LAB, service.replay, told.id) == "UNKNOWN_WEBHOOK"
    assert await refused(database, LAB, service.replay, told.id + 1) == "UNKNOWN_WEBHOOK"
    code = await refused(database, OTHER_LAB, service.replay_since, given.webhook.id, NOON)
    assert code == "UNKNOWN_WEBHOOK"


async def test_who_asks_for_anothers_delivery_learns_neither_that_it_is_nor_whose(database):
    given = await subscribe(database)
    await happen(database, given.webhook.id)
    [told] = await rows(database)
    said = {}
    for number in (told.id, told.id + 1):
        with pytest.raises(service.UnknownWebhookError) as refusal:
            await did(database, OTHER_LAB, service.replay, number)
        said[number] = refusal.value.detail
    assert said == {told.id: f"delivery {told.id}", told.id + 1: f"delivery {told.id + 1}"}


async def test_staff_of_a_role_keep_its_webhooks_together_and_an_auditor_sees_all(database):
    mine = await subscribe(database, LICENSING)
    await subscribe(database, LAB)
    colleague = person("licensing_officer")
    colleague = type(colleague)("colleague", colleague.roles, None)
    await did(database, colleague, service.pause, mine.webhook.id)
    assert (await hook(database, mine.webhook.id)).kept_by == "colleague"
    async with database.read() as session:
        seen = {
            who.subject: len(
                await store.webhooks(session, owner=service.readable(who), after="", limit=9)
            )
            for who in (LICENSING, LAB, PROGRAM, OTHER_LAB, SETTLEMENT, AUDITOR)
        }
        with pytest.raises(NotAllowedError):
            service.readable(person("site", "m-1"))
    assert seen == {
        "licensing_officer": 1,
        "lab@lab-one": 1,
        "lab@lab-two": 0,
        "settlement_officer": 0,
        "auditor": 2,
    }


async def test_the_end_of_a_webhook_drops_what_waits_and_is_for_good(database):
    given = await subscribe(database)
    await happen(database, given.webhook.id, count=2)
    await did(database, LAB, service.end, given.webhook.id)

    assert [(row.state, row.next_at) for row in await rows(database)] == [("DROPPED", None)] * 2
    before = await contents(database)
    await did(database, LAB, service.end, given.webhook.id)
    assert await contents(database) == before
    for act, *rest in ON_ONE:
        if act is not service.end:
            code = await refused(database, LAB, act, given.webhook.id, *rest)
            assert code == "WEBHOOK_STATE", act


@pytest.mark.parametrize("types", ["no list", '["invoice.issued","of.a.later.version"]'])
async def test_a_webhook_that_cannot_be_read_can_be_ended(database, types):
    given = await subscribe(database)
    async with database.write("test.types") as session:
        (await session.get_one(Webhook, given.webhook.id)).types = types
    row = await did(database, LAB, service.end, given.webhook.id)

    assert row.state == "ENDED"
    assert service.types_of(row) == (INVOICES if types.startswith("[") else [])


async def test_a_ping_waits_once_in_ten_seconds_and_only_where_it_is_told(database):
    given = await subscribe(database)
    told = await did(database, LAB, service.ping, given.webhook.id)
    assert (told.type, told.data, told.state) == ("ping", "{}", "WAITING")
    soon, later = NOON + timedelta(seconds=9), NOON + timedelta(seconds=10)
    code = await refused(database, LAB, service.ping, given.webhook.id, now=soon)
    assert code == "ASKED_TOO_SOON"
    await did(database, LAB, service.ping, given.webhook.id, now=later)
    await did(database, LAB, service.pause, given.webhook.id)
    much_later = NOON + timedelta(minutes=1)
    code = await refused(database, LAB, service.ping, given.webhook.id, now=much_later)
    assert code == "WEBHOOK_STATE"


async def test_a_replay_gives_an_event_back_its_first_attempt_and_keeps_its_id(database):
    await join(database)
    given = await subscribe(database)
    await happen(database, given.webhook.id, count=3)
    async with database.write("test") as session:
        for row in await session.scalars(select(Delivery)):
            row.state, row.attempts, row.next_at = "FAILED", 10, None
            row.at = NOON + timedelta(hours=row.id)
    first, second, third = await rows(database)
    await did(database, LAB, service.replay, second.id)
    assert [row.state for row in await rows(database)] == ["FAILED", "WAITING", "FAILED"]

    later = NOON + timedelta(days=1)
    count = await did(database, LAB, service.replay_since, given.webhook.id, second.at, now=later)
    assert count == 2
    found = await rows(database)
    assert [(row.state, row.attempts, row.next_at) for row in found] == [
        ("FAILED", 10, None),
        ("WAITING", 0, later),
        ("WAITING", 0, later),
    ]
    assert [row.event for row in found] == [first.event, second.event, third.event]


async def test_no_more_is_replayed_than_may_wait(database, monkeypatch):
    given = await subscribe(database)
    await happen(database, given.webhook.id, count=3)
    monkeypatch.setattr(service, "WAITING_MAX", 2)
    code = await refused(database, LAB, service.replay_since, given.webhook.id, NOON)
    assert code == "ASKED_TOO_SOON"
    assert WAITING_MAX == 10_000


async def test_what_waits_already_and_is_replayed_is_counted_once(database, monkeypatch):
    given = await subscribe(database)
    await happen(database, given.webhook.id, count=2)
    await happen(database, given.webhook.id, at=NOON + timedelta(hours=1), count=3)
    monkeypatch.setattr(service, "WAITING_MAX", 5)
    since = NOON + timedelta(minutes=1)
    assert await did(database, LAB, service.replay_since, given.webhook.id, since) == 3
    monkeypatch.setattr(service, "WAITING_MAX", 4)
    later = NOON + timedelta(minutes=1)
    code = await refused(database, LAB, service.replay_since, given.webhook.id, since, now=later)
    assert code == "ASKED_TOO_SOON"


async def test_what_waits_to_be_tried_again_goes_out_when_the_webhook_is_resumed(database):
    given = await subscribe(database)
    await happen(database, given.webhook.id, count=3)
    tomorrow = NOON + timedelta(days=1)
    async with database.write("test") as session:
        first, second, third = await session.scalars(select(Delivery).order_by(Delivery.id))
        first.attempts, first.next_at = 8, tomorrow
        second.state, second.next_at = "FAILED", None
        third.next_at = NOON
    await did(database, LAB, service.pause, given.webhook.id)
    later = NOON + timedelta(hours=1)
    await did(database, LAB, service.resume, given.webhook.id, now=later)
    assert [(row.state, row.attempts, row.next_at) for row in await rows(database)] == [
        ("WAITING", 8, later),
        ("FAILED", 0, None),
        ("WAITING", 0, NOON),
    ]


async def test_both_secrets_sign_for_a_day_and_then_the_new_one_alone(database):
    await join(database)
    given = await subscribe(database)
    rotated = await did(database, LAB, service.rotate, given.webhook.id)
    assert rotated.secret not in {None, given.secret}
    counts = {}
    for hours in (0, 23, 24):
        now = NOON + timedelta(hours=hours)
        await happen(database, given.webhook.id, at=now)
        async with database.write("test.take") as session:
            attempt = await attempts.take(session, given.webhook.id, KEYS, now)
        counts[hours] = len(attempt.headers["webhook-signature"].split(" "))
    assert counts == {0: 2, 23: 2, 24: 1}


async def test_secrets_are_encrypted_again_with_the_newest_key(database):
    given = await subscribe(database)
    rotated = await did(database, LAB, service.rotate, given.webhook.id)
    newest = new_secret()
    both, old = KeySecret([newest, VALUE], "test"), KEYS
    async with database.write("test") as session:
        assert await service.encrypt_again(session, both) == 1
    row, alone = await hook(database, given.webhook.id), KeySecret([newest], "test")
    assert alone.decrypted(row.secret).decode() == rotated.secret
    assert alone.decrypted(row.former).decode() == given.secret
    with pytest.raises(WrongKeySecretError):
        old.decrypted(row.secret)


async def test_who_did_what_stands_in_the_audit_log_with_the_host_alone(database):
    given = await subscribe(database, url="https://lab-one.example/hooks?token=very-secret")
    await did(database, LAB, service.rotate, given.webhook.id)
    async with database.read() as session:
        found = list(await session.scalars(select(AuditAct).order_by(AuditAct.number)))
    assert [(row.actor, row.act, row.subject) for row in found] == [
        ("lab@lab-one", "webhook.make", given.webhook.id),
        ("lab@lab-one", "webhook.rotate", given.webhook.id),
    ]
    assert msgspec.json.decode(found[0].detail) == {
        "host": "lab-one.example",
        "party": "lab-one",
        "role": "lab",
        "types": "invoice.issued",
    }
