"""From an act to an event that a stock library verifies: who is told, and who never is."""

from datetime import timedelta

import msgspec
import pytest
from standardwebhooks import Webhook as Library
from standardwebhooks import WebhookVerificationError

from federation.cli.check import check_server
from federation.clock import system_clock
from federation.scenario import documents as ask
from federation.values.party import HUB
from federation.webhooks.tables import Webhook as Hook
from tests.federation.conftest import report_some_usage
from tests.federation.harness import PERIOD, month_over, nothing_changes, resumed, soon
from tests.federation.licence_acts import REINSTATE, REVOKE, SUSPEND
from tests.federation.webhook_acts import (
    DELIVERIES,
    PING,
    REPLAY_SINCE,
    ROTATE,
    SUBSCRIBE,
    WEBHOOKS,
    buy,
)
from tests.webhooks.receivers import receiving


@pytest.fixture
async def small(any_backend, opened_past):
    """A federation whose clock is the receivers': they refuse what is older than five minutes."""
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(system_clock())
        yield found


async def test_an_invoice_is_told_to_its_lab_and_a_stock_library_verifies_it(small):
    async with receiving() as receiver:
        given = await small.lab("lab-one").ask(
            SUBSCRIBE, url=receiver.url, types=["INVOICE_ISSUED"], key="k"
        )
        number = await buy(small, HUB, "lab-one")
        [(headers, body)] = await receiver.count(1)

    found = Library(given["secret"]).verify(body, headers)
    assert found == {
        "type": "invoice.issued",
        "timestamp": msgspec.to_builtins(small.clock.instant),
        "data": {"server": "HUB", "document": "INV-HUB-000003", "licence": number},
    }
    assert headers["Content-Type"] == "application/json"
    for changed in (body + b" ", body.replace(b"HUB", b"HUC")):
        with pytest.raises(WebhookVerificationError):
            Library(given["secret"]).verify(changed, headers)


ACTS = """mutation($subject: String!) { recordOptOut(subject: $subject, use: "*", reason: "asked") {
  __typename ... on Refused { code message } } }"""
END_OPT_OUT = """mutation($id: ID!) { endOptOut(id: $id, reason: "agreed") {
  __typename ... on Refused { code message } } }"""
OPT_OUTS = "{ optOuts(first: 100) { edges { node { id subject } } } }"
LICENCE_TYPES = [
    "LICENCE_GRANTED",
    "LICENCE_SUSPENDED",
    "LICENCE_REINSTATED",
    "LICENCE_REVOKED",
    "LICENCE_ENDED_EARLY",
    "INVOICE_ISSUED",
    "CREDIT_NOTE_ISSUED",
    "PAYMENT_RECEIVED",
]
END_EARLY = """mutation($number: String!, $day: Date!) {
  endLicenceEarly(number: $number, lastDay: $day, reason: "agreed") {
    __typename ... on Refused { code message } } }"""


async def data_of(receiver, count):
    """Return what came as (type, data), in no order, once so much has come and no more did."""
    came = await receiver.count(count)
    found = [msgspec.json.decode(body) for _, body in came]
    return sorted(((one["type"], one["data"]) for one in found), key=str)


async def opened(small, code):
    """Let a server call targets on this machine."""
    keeper = small.keepers[code]
    await small.stop(code)
    keeper.config = msgspec.structs.replace(keeper.config, peer_networks=("127.0.0.0/8",))
    await small.start(code)


async def subscribed(person, receiver, types, key="k"):
    given = await person.ask(SUBSCRIBE, url=receiver.url, types=types, key=key)
    assert "webhook" in given, given
    return given


async def test_each_lab_is_told_of_its_own_licences_and_of_no_others(small):
    async with receiving() as first, receiving() as second, receiving() as office:
        await subscribed(small.lab("lab-one"), first, LICENCE_TYPES)
        await subscribed(small.lab("lab-two"), second, LICENCE_TYPES)
        await subscribed(small.at(HUB, "licensing"), office, LICENCE_TYPES)
        number = await buy(small, HUB, "lab-one", starts_on="2026-11-01", ends_on="2027-10-31")
        officer = small.at(HUB, "licensing")
        for act in (SUSPEND, REINSTATE):
            await officer.ask(act, number=number)
        today = small.clock.instant.date()
        receipt = {"licence": number, "on": str(today), "amount": "100", "key": "r"}
        await small.at(HUB, "settlement").ask(ask.RECEIPT, **receipt)
        await officer.ask(END_EARLY, number=number, day=str(today))
        await officer.ask(REVOKE, number=number)
        other = await buy(small, HUB, "lab-two", key="other")
        mine, theirs = await data_of(first, 8), await data_of(second, 2)
        both = await data_of(office, 10)

    assert [kind for kind, _ in mine] == [
        "credit_note.issued",
        "invoice.issued",
        "licence.ended_early",
        "licence.granted",
        "licence.reinstated",
        "licence.revoked",
        "licence.suspended",
        "payment.received",
    ]
    assert {data["licence"] for _, data in mine} == {number}
    assert [data for _, data in theirs] == [
        {"server": "HUB", "document": "INV-HUB-000004", "licence": other},
        {"server": "HUB", "licence": other, "version": "1"},
    ]
    assert both == sorted([*mine, *theirs], key=str)


async def test_an_opt_out_is_told_to_whose_address_it_is_and_to_labs_without_it(small):
    await opened(small, "DE")
    types = ["OPT_OUT_RECORDED", "OPT_OUT_ENDED"]
    async with receiving() as anna, receiving() as bert, receiving() as lab, receiving() as office:
        await subscribed(small.member("DE", "de-a"), anna, types)
        await subscribed(small.member("DE", "de-b"), bert, types)
        await subscribed(small.lab("lab-one", "DE"), lab, types)
        await subscribed(small.at("DE", "registry"), office, types)
        registry = small.at("DE", "registry")
        await registry.ask(ACTS, subject="news.example/de/told/")
        await registry.ask(ACTS, subject="member:de-b")
        listed = {one["subject"]: one["id"] for one in await registry.rows(OPT_OUTS)}
        hers, his = listed["news.example/de/told/"], listed["member:de-b"]
        one, two = await data_of(anna, 1), await data_of(bert, 1)
        labs, staff = await data_of(lab, 2), await data_of(office, 2)

    kind = "opt_out.recorded"
    assert one == [(kind, {"server": "DE", "opt_outs": [hers], "more": 0})]
    assert two == [(kind, {"server": "DE", "opt_outs": [his], "more": 0})]
    assert labs == [(kind, {"server": "DE"})] * 2
    assert staff == sorted([*one, *two], key=str)


async def test_what_was_recorded_is_delivered_by_the_server_that_starts_again(small):
    async with receiving() as receiver:
        url = receiver.url
        await subscribed(small.lab("lab-one"), receiver, ["INVOICE_ISSUED"])
    await buy(small, HUB, "lab-one")  # nobody is there
    await small.stop(HUB)
    small.set_clock(small.clock.instant + timedelta(minutes=10))
    port = int(url.split(":")[2].partition("/")[0])
    async with receiving(port=port) as receiver:
        assert receiver.url == url
        await small.start(HUB)
        [(headers, _)] = await receiver.count(1)
    [hook] = await small.lab("lab-one").rows(WEBHOOKS)

    async def delivered():
        rows = await small.lab("lab-one").rows(DELIVERIES, webhook=hook["id"])
        return rows if rows[0]["state"] == "DELIVERED" else None

    [row] = await soon(delivered, what="the receipt of what was sent")
    assert (row["event"], row["status"]) == (headers["webhook-id"], 204)


async def test_a_rotated_secret_and_the_one_before_both_verify(small):
    async with receiving() as receiver:
        given = await subscribed(small.lab("lab-one"), receiver, ["INVOICE_ISSUED"])
        webhook = given["webhook"]["id"]
        rotated = await small.lab("lab-one").ask(ROTATE, webhook=webhook)
        await small.lab("lab-one").ask(PING, webhook=webhook)
        [(headers, body)] = await receiver.count(1)
        for secret in (given["secret"], rotated["secret"]):
            assert Library(secret).verify(body, headers)["type"] == "ping"
        small.set_clock(small.clock.instant + timedelta(hours=24))
        replayed = await small.lab("lab-one").ask(
            REPLAY_SINCE, webhook=webhook, since="2026-01-01T00:00:00Z"
        )
        _, (headers, _) = await receiver.count(2)
    assert replayed == {"webhook": webhook, "events": 1}
    assert len(headers["webhook-signature"].split(" ")) == 1


REFUSED = {
    "https://127.0.0.1/": "ADDRESS_REFUSED",
    "https://localhost/": "ADDRESS_REFUSED",
    "https://169.254.169.254/latest/": "ADDRESS_REFUSED",
    "http://9.9.9.9/": "ADDRESS_REFUSED",
    "ftp://9.9.9.9/": "BAD_WEBHOOK_URL",
}


@pytest.mark.parametrize("url", REFUSED)
async def test_a_target_that_is_not_called_makes_no_webhook(small, url):
    """No network is opened at a node here."""
    async with nothing_changes(small, "DE"):
        asked = {"url": url, "types": ["INVOICE_ISSUED"], "key": "k"}
        found = await small.lab("lab-one", "DE").ask(SUBSCRIBE, **asked)
    assert found["code"] == REFUSED[url]


async def test_a_webhook_that_the_server_paused_waits_in_the_work_list_and_in_the_check(small):
    async with receiving() as receiver:
        given = await subscribed(small.lab("lab-one"), receiver, ["INVOICE_ISSUED"])
    webhook = given["webhook"]["id"]
    async with small.databases[HUB].write("test.fail") as session:
        row = await session.get_one(Hook, webhook)
        row.state, row.why = "PAUSED", "no event has arrived"
    items = await small.at(HUB, "operator").ask("{ workList { kind subject why turn } }")
    assert [item for item in items if item["kind"] == "webhook"] == [
        {"kind": "webhook", "subject": webhook, "why": "no event has arrived", "turn": "lab-one"}
    ]
    found = await check_server(small.keepers[HUB].config)
    assert found.paused == 1
    assert "1 webhook paused by this server" in found.as_text()
    assert msgspec.json.decode(found.as_json())["paused_webhooks"] == 1


async def test_a_member_is_told_that_its_statement_is_ready_once_its_month_is_distributed(
    any_backend, opened_past
):
    async with (
        resumed(any_backend, opened_past) as small,
        receiving() as anna,
        receiving() as office,
        receiving() as other,
    ):
        for code in ("DE", "FR"):
            await opened(small, code)
        types = ["STATEMENT_READY"]
        await subscribed(small.member("DE", "de-a"), anna, types)
        await subscribed(small.at("DE", "settlement"), office, types)
        await subscribed(small.member("FR", "fr-a"), other, types)
        await report_some_usage(small)
        month_over(small)
        story = small.story()
        await story.publish_rates()
        await story.settle(PERIOD)
        await small.silence()
        told = [("statement.ready", {"server": "DE", "period": PERIOD})]
        assert await data_of(anna, 1) == told
        assert await data_of(office, 1) == told
        assert await data_of(other, 1) == [("statement.ready", {"server": "FR", "period": PERIOD})]
