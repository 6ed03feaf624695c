"""A node changes its address and its FEDERATION key by its own word, and nothing is lost."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import quote

import msgspec
import pytest

from federation.cli import own_keys as command
from federation.desk.deliveries import NOT_TAKEN, RENUMBER
from federation.hub.moves import PAUSE_MAX, MoveWorker
from federation.nodes.entity import EntityWorker
from federation.oauth.entity import CONFIGURATION_PATH
from federation.scenario import documents as ask
from federation.signing.entity_statements import (
    ADDRESS,
    SERVER,
    STATEMENT_BYTES_MAX,
    STATEMENT_TYP,
    sign_configuration,
)
from federation.signing.jose import InvalidTokenError, verify
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token
from federation.store.tables import InboxMessage
from federation.trust.key_life import PUBLISHED_BEFORE, VERIFIES_FOR
from federation.trust.messages import ROSTER_STREAM
from federation.trust.parties import entity_keys
from federation.trust.store import find_party
from federation.values.party import HUB
from tests.adversary.rogue import Rogue, rows
from tests.adversary.staff import drop
from tests.federation.entities import entity, in_place_of
from tests.federation.harness import (
    DAY,
    a_line,
    admit,
    all_reported,
    month_over,
    nothing_changes,
    report_lines,
    reserved_port,
    resumed,
    sell,
    send,
    small_federation,
    soon,
    tell,
    write_scenario,
)
from tests.federation.key_changes import Site, minted
from tests.federation.licence_acts import LICENCES, REINSTATE, SUSPEND
from tests.federation.moving import (
    follow_the_hub,
    knows,
    next_federation_key,
    party,
    roll,
    signs_with,
)

LICENCE = "HUB-000001"
ROUTED = "SELECT origin, event_id, units FROM metering_routed_line"


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)
        yield small


async def moved_to(small, code, port):
    """Start a node at another address, as its operator does who changed its configuration."""
    await small.stop(code)
    await at_port(small, code, port)


async def at_port(small, code, port):
    config = msgspec.structs.replace(small.keepers[code].config, port=port.getsockname()[1])
    small.keepers[code].config = small.running[code].config = config
    small.running[code].url = f"http://127.0.0.1:{config.port}"
    await small.start(code)


async def arrived(small, code):
    async def is_there():
        return (await party(small, code)).url == small.running[code].url

    await soon(is_there, what=f"{code} at its new address")


async def issue_version(small, document):
    """Have the hub send a version of a licence to every node."""
    await small.at(HUB, "licensing").ask(document, number=LICENCE)


async def inbox(small, at, sender):
    """Return {stream: numbers} of what a server has from a party, numbered as at its admission."""
    kid = json.loads((await party(small, sender, at)).jwk)["kid"]
    async with small.databases[at].read() as session:
        rows = await session.execute(
            InboxMessage.__table__.select().order_by(InboxMessage.stream, InboxMessage.sequence)
        )
    return numbers(row for row in rows if row.sender == kid)


async def every_message_came_once(small):
    """Hold each stream between the hub and every node against what was posted to it."""
    await small.silence()
    for code in small.scenario.codes:
        for sender, receiver in ((HUB, code), (code, HUB)):
            async with small.databases[sender].read() as session:
                table = command.OwnKey.metadata.tables["store_outbox"]
                rows = await session.execute(
                    table.select().where(table.c.target == entity(small, receiver))
                )
            assert await inbox(small, receiver, sender) == numbers(rows), (sender, receiver)


def numbers(rows):
    """Return {stream: numbers} of messages."""
    found = {}
    for row in rows:
        found.setdefault(row.stream, []).append(row.sequence)
    return {stream: sorted(each) for stream, each in found.items()}


async def versions(small, code):
    found = await small.at(code, "auditor").rows(LICENCES)
    return {row["number"]: row["version"] for row in found}[LICENCE]


async def test_a_node_moves_and_what_waited_for_it_comes_to_the_new_address(small):
    line = a_line("m-0", LICENCE, "https://news.example/fr/1")  # FR's page, GB's site
    await report_lines(small.at("GB", "sites"), [line])
    await small.stop("GB")
    line = a_line("m-2", LICENCE, "https://press.example/b", units=300)
    await report_lines(small.at("FR", "sites"), [line])  # GB's page, FR's site
    await issue_version(small, SUSPEND)
    before = await party(small, "GB")
    with reserved_port() as port:
        await moved_to(small, "GB", port)
        await arrived(small, "GB")
        await every_message_came_once(small)

        assert await versions(small, "GB") == 2
        assert (await party(small, "GB")).jwk == before.jwk
        assert (await party(small, "GB", "FR")).url == small.running["GB"].url
        line = a_line("m-1", LICENCE, "https://press.example/a")
        await report_lines(small.at("GB", "sites"), [line], key="batch-2")
        asked = await small.at(HUB, "auditor").ask("{ collectives { code url } }")
        assert {row["code"]: row["url"] for row in asked}["GB"] == small.running["GB"].url
        month_over(small)
        await all_reported(small)
        await every_message_came_once(small)
        assert await rows(small, "GB", ROUTED) == [("FR", "m-2", 300)]
        assert await rows(small, "FR", ROUTED) == [("GB", "m-0", 100)]


async def test_a_node_changes_its_federation_key_under_traffic(small):
    old = small.key("GB")
    kid = await next_federation_key(small, "GB")
    await issue_version(small, SUSPEND)
    small.set_clock(DAY + PUBLISHED_BEFORE)
    await command.activate(small.keepers["GB"].config, kid, None, small.clock)
    await signs_with(small, "GB", kid)
    await issue_version(small, REINSTATE)
    await every_message_came_once(small)
    assert await versions(small, "GB") == 3
    assert (await called(small, "GB", old)).status == 200  # it is checked still

    small.set_clock(DAY + PUBLISHED_BEFORE + VERIFIES_FOR)
    await command.retire(small.keepers["GB"].config, old.kid, None, small.clock)

    async def is_forgotten():
        return list(entity_keys(await party(small, "GB"))) == [kid]

    await soon(is_forgotten, what="the old key forgotten")
    await small.silence()
    await soon(lambda: is_refused(small, "GB", old), what="the old key refused")
    await small.running["GB"].open()
    await issue_version(small, SUSPEND)
    await every_message_came_once(small)
    assert await versions(small, "GB") == 4
    for other in ("DE", "FR"):
        assert list(entity_keys(await party(small, "GB", other))) == [kid]


async def called(small, code, key, at=HUB):
    """Ask the hub's index as a node, signed with a key."""
    token = mint_server_token(
        key, caller=entity(small, code), callee=entity(small, at), now=small.clock()
    )
    body = json.dumps({"keys": []}).encode()
    return await send(small, at, "/federation/index", body, token=token)


async def is_refused(small, code, key):
    return (await called(small, code, key)).status == 401


async def honours(small, site):
    await site.refresh()
    return await site.get(await minted(small, HUB)) == 200


async def test_the_anchor_changes_its_key_and_nodes_sites_and_strangers_follow(small, tmp_path):
    site, old = Site(small, tmp_path), small.key(HUB)
    await site.refresh()
    kid = await next_federation_key(small, HUB)
    await follow_the_hub(small, {old.kid, kid})
    small.set_clock(DAY + PUBLISHED_BEFORE)
    assert await honours(small, site)
    await command.activate(small.keepers[HUB].config, kid, None, small.clock)
    await signs_with(small, HUB, kid)
    await issue_version(small, SUSPEND)
    await every_message_came_once(small)
    await issue_version(small, REINSTATE)
    await every_message_came_once(small)
    small.set_clock(DAY + PUBLISHED_BEFORE + timedelta(hours=3))  # what the old key signed is over
    assert await honours(small, site)

    small.set_clock(DAY + PUBLISHED_BEFORE + VERIFIES_FOR)
    await command.retire(small.keepers[HUB].config, old.kid, None, small.clock)
    await small.stop(HUB)
    await small.start(HUB)
    await follow_the_hub(small, {kid})
    small.set_clock(DAY + PUBLISHED_BEFORE + VERIFIES_FOR + timedelta(hours=3))
    assert await honours(small, site)
    await asyncio.to_thread(site.gate.background.stop)
    again = Site(small, tmp_path)  # it is started anew with the pins of its installation
    assert again.gate.gate.config.policy.current() is not None
    assert await honours(small, again)
    await asyncio.to_thread(again.gate.background.stop)

    new = (await small.keepers[HUB].service.server.keys.current()).federation
    node = quote(entity(small, "GB"), safe="")
    async with small.http.get(f"{small.running[HUB].url}/federation/fetch?sub={node}") as response:
        text = await response.text()
    keys = {new.kid: new.public}
    says = verify(text, typ=STATEMENT_TYP, keys=keys, max_bytes=STATEMENT_BYTES_MAX)
    assert [key["kid"] for key in says["jwks"]["keys"]] == [small.key("GB").kid]
    assert await versions(small, "GB") == 3  # licences that the old key signed go on


async def test_a_node_that_was_away_is_told_the_hubs_new_key_and_never_a_former_one(small):
    old = small.key(HUB)
    await small.stop("GB")
    await roll(small, HUB)
    new = (await small.keepers[HUB].service.server.keys.current()).federation.kid
    await small.start("GB")
    await issue_version(small, SUSPEND)
    assert not await knows(small, "GB", {new})

    await small.stop("GB")
    config = small.keepers["GB"].config
    pin = msgspec.structs.replace(config.hub, key_thumbprint=new)
    small.keepers["GB"].config = msgspec.structs.replace(config, hub=pin)
    await small.start("GB")
    await soon(lambda: knows(small, "GB", {new}), what="the hub's new key at GB")
    await every_message_came_once(small)
    assert await versions(small, "GB") == 2

    worker = EntityWorker(small.keepers["DE"].service.server, None)  # its pin is the old key still
    forged = sign_configuration(
        old,
        entity(small, HUB),
        jwks=[old.public_jwk()],
        metadata={},
        above=[],
        now=small.clock(),
    )
    with pytest.raises(InvalidTokenError):
        worker._configuration(forged.text, await party(small, HUB, "DE"))


async def test_a_site_learns_its_nodes_next_key_as_soon_as_it_asks(small, tmp_path):
    site = Site(small, tmp_path)
    await site.refresh()
    kid = await next_federation_key(small, "GB")
    await site.refresh()  # in an emergency the key signs a minute later
    await command.activate(small.keepers["GB"].config, kid, "a drill", small.clock)
    await signs_with(small, "GB", kid)

    assert await honours(small, site)
    await asyncio.to_thread(site.gate.background.stop)


WORK = "{ workList { kind subject why turn } }"
NODES = "{ nodes { code url keys formerKeys admittedWith movingTo movingBecause suspendedAt } }"


async def waits(small, kind):
    found = await small.at(HUB, "operator").ask(WORK)
    return {row["subject"]: row["why"] for row in found if row["kind"] == kind}


async def says_it_is_at(small, code, url):
    """Start a node that says it is somewhere else than where it listens."""
    await small.stop(code)
    config = msgspec.structs.replace(small.keepers[code].config, public_url=url)
    small.keepers[code].config = config
    await small.start(code)


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("http://10.0.0.1", "10.0.0.1 is not public"),
        ("http://169.254.169.254", "169.254.169.254 is not public"),
        ("FR", "INVALID_TOKEN"),
        (HUB, "INVALID_TOKEN"),
        ("nobody", "Cannot connect"),
    ],
)
async def test_a_node_is_not_followed_to_where_it_does_not_answer(small, where, why):
    before = await party(small, "GB")
    with reserved_port() as port:
        nobody = f"http://127.0.0.1:{port.getsockname()[1]}"
        url = small.running[where].url if where in small.running else where
        await says_it_is_at(small, "GB", nobody if where == "nobody" else url)

        async def is_noted():
            noted = (await party(small, "GB")).moving_because
            return noted if REFUSED_AS.get(why, why) in (noted or "") else None

        said = await soon(is_noted, what="why it is not followed")
    after = await party(small, "GB")
    assert (after.url, after.token_jwks) == (before.url, before.token_jwks)
    [listed] = (await waits(small, "node moves")).items()
    assert listed == ("GB", f"from {after.url} to {after.moving_to}: {said}")
    await issue_version(small, SUSPEND)
    await every_message_came_once(small)  # at the address that was asked before
    assert await versions(small, "GB") == 2
    assert {(await party(small, "GB", other)).url for other in ("DE", "FR")} == {before.url}

    await says_it_is_at(small, "GB", None)
    await arrived(small, "GB")

    async def is_over():
        return (await party(small, "GB")).moving_to is None

    await soon(is_over, what="nothing pending")
    assert await waits(small, "node moves") == {}


OTHER_WORDS = {
    "other keys": (
        lambda rogue, at: rogue.word(jwks=[*map(public, (rogue.key, STRANGER))], metadata=at),
        "INVALID_TOKEN",
    ),
    "another address": (lambda rogue, _: rogue.word(), "it says it is at"),
}
STRANGER, public = SigningKey.generate(), SigningKey.public_jwk


@pytest.mark.parametrize(("word", "why"), OTHER_WORDS.values(), ids=OTHER_WORDS)
async def test_a_node_is_not_followed_to_where_it_says_something_else(small, word, why):
    rogue, url = Rogue(small, "GB", small.key("GB")), f"{small.running['GB'].url}/moved"
    at = {SERVER: {ADDRESS: url}}
    async with in_place_of(small, "GB", {f"/moved{CONFIGURATION_PATH}": word(rogue, at)}):
        moves = {"code": "GB", "statement": rogue.word(metadata=at)}
        await rogue.send("entity.changed", "roster", moves)

        async def is_noted():
            noted = (await party(small, "GB")).moving_because
            return noted if REFUSED_AS.get(why, why) in (noted or "") else None

        said = await soon(is_noted, what="why it is not followed")
    assert REFUSED_AS.get(why, why) in said
    assert (await party(small, "GB")).url == small.running["GB"].url


def test_an_address_of_which_another_process_heard_is_asked_after_a_while():
    assert MoveWorker(None, None)._pause() == PAUSE_MAX


REFUSED_AS = {"INVALID_TOKEN": "The signed token is not valid."}


async def test_the_hubs_people_see_the_present_and_the_pending(small):
    kid = await next_federation_key(small, "GB")
    old = small.key("GB").kid
    await says_it_is_at(small, "GB", "http://10.0.0.1")

    async def noted():
        return (await party(small, "GB")).moving_because

    because = await soon(noted, what="why it is not followed")
    found = await small.at(HUB, "auditor").ask(NODES)
    [row] = [row for row in found if row["code"] == "GB"]
    assert row == {
        "code": "GB",
        "url": (await party(small, "GB")).url,
        "keys": sorted([old, kid]),
        "formerKeys": [],
        "admittedWith": old,
        "movingTo": "http://10.0.0.1",
        "movingBecause": because,
        "suspendedAt": None,
    }
    acts = await small.at(HUB, "auditor").rows(
        "{ auditLog(first: 10) { edges { node { actor act subject } } } }"
    )
    assert {(act["actor"], act["act"], act["subject"]) for act in acts} >= {
        ("server:GB", "node.change", "GB")
    }


async def test_a_newcomer_takes_licences_that_were_signed_with_keys_of_before(
    any_backend, tmp_path
):
    scenario = write_scenario(tmp_path / "files")
    federation = small_federation(any_backend, scenario, tmp_path, leave_out=["FR"])
    async with federation as small:
        for code in ("DE", "GB"):
            await admit(small, code)
        await small.silence()  # each takes its first message once it is told that it is admitted
        await sell(small)
        await small.silence()
        for code in ("DE", HUB):
            await roll(small, code)
        config = small.keepers["FR"].config
        new = (await small.keepers[HUB].service.server.keys.current()).federation.kid
        pin = msgspec.structs.replace(config.hub, key_thumbprint=new)  # told by another channel
        small.keepers["FR"].config = msgspec.structs.replace(config, hub=pin)
        await small.start("FR")
        await admit(small, "FR")

        async def has_all():
            found = await small.at("FR", "auditor").rows(LICENCES)
            return sorted(row["number"] for row in found)

        await soon(has_all, what="the licences")
        await small.silence()
        assert await has_all() == ["DE-000001", "HUB-000001", "HUB-000002"]
        assert await small.at("FR", "node-operator").rows(ask.PARKED) == []
        of_de = await party(small, "DE", "FR")
        assert list(entity_keys(of_de)) == list(entity_keys(await party(small, "DE")))


async def test_what_the_hub_dropped_is_told_again_by_a_node_that_is_started_anew(small):
    kid = await next_federation_key(small, "GB")
    async with small.databases[HUB].write("test") as session:
        known = await find_party(session, "GB")
        known.entity_jwks = known.stated_at = None  # as where two people dropped the message
    await small.stop("GB")
    await small.start("GB")

    async def is_followed():
        return kid in entity_keys(await party(small, "GB"))

    await soon(is_followed, what="the key at the hub")
    await every_message_came_once(small)


async def test_a_thief_who_used_a_nodes_number_does_not_end_its_stream(small):
    """One junk message in the stream of its keys: the node tells its next key all the same."""
    operator, old = small.at("GB", "node-operator"), small.key("GB")
    thief = Rogue(small, "GB", old)
    await thief.send("entity.changed", ROSTER_STREAM, {"code": "GB", "statement": "junk"})
    await drop(small)
    said = await command.make_next(small.keepers["GB"].config, "FEDERATION", small.clock)
    kid = said.split()[0]

    async def is_refused():
        small.hurry()
        return await operator.ask(NOT_TAKEN)

    [found] = await soon(is_refused, what="the refusal")
    assert (found["stream"], found["sequence"], found["waiting"]) == (ROSTER_STREAM, 1, 1)
    assert found["reason"].startswith("MESSAGE_CONFLICT")
    assert found["reason"].endswith(f" {ROSTER_STREAM} #1, expected #2)")
    asked = {"target": found["target"], "stream": ROSTER_STREAM, "reason": "a thief was first"}
    async with nothing_changes(small, "GB"):
        refused = await tell(small, "GB", operator, RENUMBER, expected=3, **asked)
    assert refused.code == "NO_CONFLICT"
    row = await operator.ask(RENUMBER, expected=2, **asked)
    assert (row["sequence"], row["waiting"]) == (2, 1)

    async def is_followed():
        small.hurry()
        return kid in entity_keys(await party(small, "GB"))

    await soon(is_followed, what="the key at the hub")

    async def is_taken():
        return not await operator.ask(NOT_TAKEN)

    await soon(is_taken, what="the receipt at the node")
    [act] = await operator.rows("""{ auditLog(first: 1, act: "delivery.renumber") {
      edges { node { actor subject detail { name value } } } } }""")
    assert (act["actor"], act["subject"]) == ("node-operator", entity(small, HUB))
    assert {each["name"]: each["value"] for each in act["detail"]} == {
        "stream": ROSTER_STREAM,
        "from": "1",
        "to": "2",
        "messages": "1",
        "reason": "a thief was first",
    }
