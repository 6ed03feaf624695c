"""A lab buys by RSL with one set of credentials of the hub, at the members of every node."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
import pytest_asyncio
from lxml import etree
from sqlalchemy import select
from yarl import URL

from federation.access.bearers import ClientCredential
from federation.licensing.objects import Licensor, decode
from federation.licensing.tables import Licence, Registration
from federation.metering.tables import Line
from federation.rsl.evaluating import Asked, State, judge
from federation.rsl.member_terms import offer
from federation.rsl.writing import write_licence
from federation.scenario.servers import HUB_ENTITY
from federation.signing.tokens import check_licence_token
from federation.tokens.olp import LICENCES_MAX
from federation.trust.parties import get_party
from federation.values.party import HUB
from tests.federation.harness import (
    DAY,
    nothing_changes,
)
from tests.federation.holders import Holder
from tests.federation.market import FORM, SPECIALISTS, open_market
from tests.federation.site_clients import gate_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

NS = "{https://rslstandard.org/rsl}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market(any_backend, tmp_path_factory):
    """One that tests only look at."""
    async with open_market(any_backend, tmp_path_factory.mktemp("market")) as found:
        found.small.constant = await found.small.rows(found.small.codes)
        yield found


async def test_one_set_of_credentials_buys_at_members_of_two_nodes(market):
    issuers = (await Holder.of(market.small)).held.issuers
    for path, resource, page in (
        ("DE/de-a", "https://news.example/de", "https://news.example/de/a"),
        ("GB/gb-b", "https://press.example/", "https://press.example/x"),
    ):
        status, found, headers = await market.buy(HUB, path, resource=resource)

        assert (status, found["token_type"], found["expires_in"]) == (200, "License", 900)
        assert (found["scope"], found["uses"]) == ("ai-train", ["TRAIN"])
        assert headers["Cache-Control"] == "no-store"
        token = check_licence_token(
            found["access_token"], issuers=issuers, hub=HUB_ENTITY, url=page, now=DAY
        )
        assert (token.licence, token.uses) == ("HUB-000001", ("TRAIN",))
        assert token.audience == ((page[:-1],))


async def test_the_site_of_a_member_opens_to_a_token_as_it_was_bought(market, tmp_path):
    client = market.clients["site at GB"]
    credential = ClientCredential(client_id=client.id, secret=client.secret)
    gate = gate_of(market.small, tmp_path, credential)
    await asyncio.to_thread(gate.background.rounds["policy"].act)
    _, sold, _ = await market.buy(HUB, "GB/gb-b", resource=PRESS)
    headers = {"Authorization": f"License {sold['access_token']}"}
    transport = httpx.ASGITransport(gate)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=PRESS) as crawler:
            assert (await crawler.get("/a", headers=headers)).status_code == 200
        await asyncio.to_thread(gate.background.rounds["usage"].act)
    finally:
        await asyncio.to_thread(gate.background.stop)
    async with market.small.databases["GB"].read() as session:
        assert list(await session.scalars(select(Line.use))) == ["TRAIN"]


async def test_what_the_node_publishes_is_what_the_hub_sells(market):
    status, body, headers = await market.get("DE", "/sites/de-a/license.xml")

    assert (status, headers["Content-Type"]) == (200, "application/rsl+xml")
    root = etree.fromstring(body)
    contents = root.findall(f"{NS}content")
    assert [(each.get("url"), each.get("server")) for each in contents] == [
        ("https://news.example/de", market.base(HUB, "DE/de-a")),
        ("https://news.example/de/private/", None),
    ]
    sold = []
    for licence in contents[0].findall(f"{NS}license"):
        text = etree.tostring(licence).decode()
        _, found, _ = await market.buy(HUB, "DE/de-a", license=text, resource=NEWS)
        sold.append((found["scope"], found["uses"]))
    assert sold == [("ai-input", ["GROUND"]), ("ai-input", ["GROUND"]), ("ai-train", ["TRAIN"])]
    for page, state in (("/de/a", State.OFFERED), ("/de/private/a", State.UNLICENSED)):
        asked = Asked(f"https://news.example{page}", "ai-train")
        assert judge(body, asked).state == state


REFUSES = "invalid_license"
RESERVES = {  # what a member reserves: its server, its site, what a stock client of each lab gets
    "nothing": (
        "DE/de-a",
        "https://news.example/de",
        {"trains": "TRAIN", "grounds": "GROUND", "one": "GROUND"},
    ),
    "TRAIN": (
        "FR/fr-b",
        "https://journal.example/",
        {"trains": REFUSES, "grounds": "GROUND", "one": "GROUND"},
    ),
    "GROUND": (
        "GB/gb-a",
        "https://news.example/gb",
        {"trains": "TRAIN", "grounds": REFUSES, "one": "TRAIN"},
    ),
    "everything": ("DE/de-b", "https://bild.example/", None),
}


@pytest.mark.parametrize("reserved", RESERVES)
async def test_a_stock_client_gets_a_token_for_whatever_its_lab_may_do_there(market, reserved):
    """It takes the first licence of the first content that has a server, whatever its lab bought.

    Of `one`, which may do both, grounding is meant where both are for sale; `two` may do neither.
    """
    path, site, wanted = RESERVES[reserved]
    code, member = path.split("/")
    _, body, _ = await market.get(code, f"/sites/{member}/license.xml")
    content = etree.fromstring(body).find(f"{NS}content[@url='{site}']")
    if wanted is None:
        assert content.get("server") is None
        return
    terms = etree.tostring(content.find(f"{NS}license")).decode()
    got = {}
    for lab in (*wanted, "two"):
        asked = {"license": terms, "resource": site}
        status, found, _ = await market.buy(HUB, path, client=lab, **asked)
        got[lab] = found["uses"][0] if status == 200 else found["error"]
        assert len(found.get("uses", [REFUSES])) == 1

    assert got == {**wanted, "two": REFUSES}


DE_A, NEWS, PRESS = "DE/de-a", "https://news.example/de", "https://press.example"
HUB_TERMS = "ai-train", "ai-input"


def clause(error: str, why: str, status: int = 400, **asked: Any) -> Any:
    return status, error, why, asked


REFUSED = {
    "no grant": clause("invalid_request", "grant_type is missing", grant_type=None),
    "another grant": clause("unsupported_grant_type", "only client_credentials", grant_type="rsl"),
    "no licence": clause("invalid_request", "license is missing", license=None),
    "no resource": clause("invalid_request", "resource is missing", resource=None),
    "another type": clause("invalid_request", "license_type is", license_type="text/plain"),
    "no XML": clause("invalid_license", "This is no RSL", license="all please"),
    "an entity": clause(
        "invalid_license",
        "a document type or an entity",
        license='<!DOCTYPE license [<!ENTITY a "ai-train">]><license>&a;</license>',
    ),
    "a document": clause("invalid_license", "this is no <license>", license="<rsl/>"),
    "terms of nobody": clause("invalid_license", "what is sold", license="<license/>"),
    "a use without a price": clause(
        "invalid_license", "what is sold: ai-train ai-input", usages=("search",)
    ),
    "the licence of another": clause(
        "invalid_license", "not the terms of", buy_at="https://other.example/buy"
    ),
    "another member's address": clause(
        "invalid_resource", "0 addresses of this member", resource="https://journal.example/"
    ),
    "half a name": clause(
        "invalid_resource", "0 addresses of this member", resource="https://news.example/den"
    ),
    "two members' address": clause(
        "invalid_resource", "is not this member's alone", resource="https://twins.example/"
    ),
    "an address of 33 segments": clause(
        "invalid_resource", "at most 32 segments", resource=f"https://news.example/de{'/a' * 32}"
    ),
    "no address": clause("invalid_resource", "No address", resource="news"),
    "a reserved address": clause(
        "invalid_license",
        "ai-train ai-input is reserved at news.example/de/private/",
        resource="https://news.example/de/private/",
    ),
    "a member of nobody": clause("invalid_resource", "no address here", path="DE/nobody"),
    "a collective of nobody": clause("invalid_resource", "no collective XX", path="XX/de-a"),
    "the hub's members": clause("invalid_resource", "no collective HUB", path="HUB/de-a"),
    "another collective's member": clause("invalid_resource", "no address here", path="FR/de-a"),
    "a lab without a licence": clause(
        "invalid_license",
        "no licence of lab-two in force here grants ai-train ai-input; "
        "what your licences grant here: search; licences are sold at",
        client="two",
    ),
    "a tool": clause("unauthorized_client", "only the client of a lab", 403, client="tool"),
    "a client of the node": clause("invalid_client", "not known here", 401, client="at DE"),
    "a site of the node": clause("invalid_client", "not known here", 401, client="site"),
    "nobody": clause("invalid_client", "not known here", 401, client=None),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_is_refused_in_the_words_of_the_standard(market, name):
    status, error, why, asked = REFUSED[name]
    asked = {"resource": NEWS} | asked
    if "buy_at" in asked or "usages" in asked:
        terms = offer(asked.pop("usages", HUB_TERMS), asked.pop("buy_at", market.buy_at))
        asked["license"] = write_licence(terms).decode()

    async with nothing_changes(market.small, HUB):
        found, body, headers = await market.buy(HUB, asked.pop("path", DE_A), **asked)

    assert (found, body["error"], body.keys()) == (status, error, {"error", "error_description"})
    assert why in body["error_description"]
    assert headers["Cache-Control"] == "no-store"
    assert headers.get("WWW-Authenticate") == ('Basic realm="olp"' if status == 401 else None)


async def test_a_name_that_is_no_text_is_refused_and_breaks_nothing(market):
    for code, path, client in ((HUB, "DE/%00", "one"), ("DE", "%00", "at DE")):
        async with nothing_changes(market.small, code):
            for path_of in ("token", "introspect"):
                url = f"{market.small.running[code].url}/olp/{path}/{path_of}"
                form = {"token": "x", "grant_type": "client_credentials"}
                status, found, _ = await market.post(URL(url, encoded=True), form, client)
                assert (status, found["error"]) == (400, "invalid_request")


async def test_a_text_that_is_none_is_refused_in_json_as_well(market):
    url = f"{market.base(HUB, DE_A)}/introspect"
    for body in (b'{"token": "\\ud800"}', b'{"token": 1}', b"[]", b"[" * 1_000, b"\xff"):
        status, found, _ = await market.post(url, body, "one", "application/json")
        assert (status, found["error"]) == (400, "invalid_request"), body


async def test_forms_that_can_be_read_in_two_ways_and_large_ones_are_refused(market):
    url = f"{market.base(HUB, DE_A)}/token"
    form = urlencode({"grant_type": "client_credentials", "license": "x", "resource": NEWS})
    sent = {
        "twice": (f"{form}&resource=a".encode(), FORM, 400),
        "json": (
            json.dumps({"grant_type": "client_credentials"}).encode(),
            "application/json",
            400,
        ),
        "a megabyte": (f"{form}&x={'y' * 1_000_000}".encode(), FORM, 413),
        "nothing": (b"", FORM, 400),
    }
    async with nothing_changes(market.small, HUB):
        for name, (body, content_type, status) in sent.items():
            found, answer, _ = await market.post(url, body, content_type=content_type)
            assert (name, found, answer["error"]) == (name, status, "invalid_request")
        found, answer, _ = await market.post(f"{url}?grant_type=x", form.encode())
        assert (found, answer["error"]) == (400, "invalid_request")


SPELLED = {
    "as the stock client writes it": lambda text: (
        text.replace("<license ", "<ns0:license ")
        .replace("</license", "</ns0:license")
        .replace("xmlns=", "xmlns:ns0=")
        .replace("<p", "<ns0:p")
        .replace("</p", "</ns0:p")
        .replace("<s", "<ns0:s")
        .replace("</s", "</ns0:s")
    ),
    "without a namespace": lambda text: text.replace(' xmlns="https://rslstandard.org/rsl"', ""),
    "indented": lambda text: text.replace("><", ">\n  <"),
}


@pytest.mark.parametrize("name", SPELLED)
async def test_terms_are_compared_by_what_they_say(market, name):
    text = SPELLED[name](market.terms(*HUB_TERMS))

    status, found, _ = await market.buy(HUB, DE_A, license=text, resource=NEWS)

    assert (status, found.get("token_type")) == (200, "License"), found


@pytest.mark.parametrize(
    ("path", "resource", "audience"),
    [
        (DE_A, "/de", ["https://news.example/de/"]),
        (DE_A, "/de/*", ["https://news.example/de/"]),
        (DE_A, "https://news.example/", ["https://news.example/de/"]),
        (DE_A, "https://news.example/de/2026", ["https://news.example/de/2026"]),
        (DE_A, "http://NEWS.example:80/de/", ["http://news.example/de/"]),
        ("GB/gb-b", "/copy", ["https://press.example/copy"]),
    ],
)
async def test_an_audience_is_of_absolute_prefixes_of_one_member(market, path, resource, audience):
    status, found, _ = await market.buy(HUB, path, resource=resource)

    assert status == 200, found
    assert claims(found["access_token"])["aud"] == audience


def claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def test_a_node_sells_to_its_own_clients_under_its_own_name(market):
    async with nothing_changes(market.small, "DE"):
        status, found, _ = await market.buy("DE", "de-a", client="at DE", resource=NEWS)
        refused, error, _ = await market.buy("DE", "de-a", client="one", resource=NEWS)

    token = claims(found["access_token"])
    assert (status, token["iss"]) == (200, "https://de.federation.example")
    assert (token["license_id"], token["aud"]) == ("DE-000001", ["https://news.example/de/"])
    assert (refused, error["error"]) == (401, "invalid_client")
    status, error, _ = await market.buy("DE", "fr-a", client="at DE", resource=NEWS)
    assert (status, error["error"]) == (400, "invalid_resource")


@pytest.mark.parametrize(
    ("usages", "use"),
    [
        (["ai-input"], "GROUND"),
        (["ai-input", "ai-train"], "GROUND"),
        (["ai-train", "ai-input"], "TRAIN"),
    ],
)
async def test_a_token_is_for_the_first_use_that_the_terms_name(market, usages, use):
    terms = market.terms(*usages)

    status, found, _ = await market.buy(HUB, DE_A, license=terms, resource=NEWS)

    assert (status, found["scope"], found["uses"]) == (200, usages[0], [use])
    assert claims(found["access_token"])["uses"] == [use]


async def test_there_are_no_keys_of_encrypted_assets(market):
    for code, path in ((HUB, DE_A), ("DE", "de-a")):
        status, found, headers = await market.post(f"{market.base(code, path)}/key", {}, None)

        assert (status, found["error"]) == (400, "invalid_request")
        assert found["error_description"] == "no encrypted assets are registered"
        assert headers["Cache-Control"] == "no-store"


async def introspected(market, token, *, path=DE_A, client="one", code=HUB, **asked):
    url = f"{market.base(code, path)}/introspect"
    status, found, headers = await market.post(url, {"token": token, **asked}, client)
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    return found


OFF = {"active": False}


async def test_introspection_says_what_a_token_opens(market):
    _, sold, _ = await market.buy(HUB, DE_A, resource=NEWS)
    token = sold["access_token"]

    found = await introspected(market, token)

    said = claims(token)
    assert found == {
        "active": True,
        "token_type": "License",
        "license": market.terms("ai-train"),
        "resource": "https://news.example/de/",
        "permitted": True,
        "client_id": "lab-one",
        **{name: said[name] for name in ("iss", "sub", "aud", "iat", "exp", "jti", "license_id")},
    }
    assert await introspected(market, token, client="tool") == found
    as_json = json.dumps({"token": token}).encode()
    url = f"{market.base(HUB, DE_A)}/introspect"
    assert (await market.post(url, as_json, "one", "application/json"))[:2] == (200, found)


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("https://news.example/de/2026", None),
        ("https://news.example/fr/", "License does not cover this resource"),
        ("https://news.example/de-evil", "License does not cover this resource"),
        ("http://news.example/de/2026", "License does not cover this resource"),
        ("/de/2026", "License does not cover this resource"),
        ("https://news.example/de/private/1", "The rightholder reserves this resource"),
    ],
)
async def test_introspection_is_asked_about_one_address(market, resource, reason):
    _, sold, _ = await market.buy(HUB, DE_A, resource=NEWS)

    found = await introspected(market, sold["access_token"], resource=resource)

    assert (found["active"], found["resource"]) == (True, resource)
    assert (found["permitted"], found.get("reason")) == (reason is None, reason)
    is_reserved = reason == "The rightholder reserves this resource"
    assert found.get("license") == (None if is_reserved else market.terms("ai-train"))


async def test_of_what_is_not_the_askers_nothing_is_said(market):
    _, sold, _ = await market.buy(HUB, DE_A, resource=NEWS)
    _, other, _ = await market.buy("DE", "de-a", client="at DE", resource=NEWS)
    token = sold["access_token"]
    changed = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]

    for text, client in ((token, "two"), (changed, "one"), ("x", "one"), ("a.b.c", "one")):
        assert await introspected(market, text, client=client) == OFF
    assert await introspected(market, other["access_token"]) == OFF  # the node's, asked at the hub
    url = f"{market.base(HUB, DE_A)}/introspect"
    assert (await market.post(url, {"token": token}, None))[0] == 401
    assert (await market.post(url, {}, "one"))[0] == 400
    at_the_node = {"code": "DE", "path": "de-a", "client": "site"}
    assert (await introspected(market, other["access_token"], **at_the_node))["permitted"] is True
    at_another = {"code": "DE", "path": "de-b", "client": "site"}
    assert await introspected(market, other["access_token"], **at_another) == OFF


async def test_a_token_shown_at_another_members_server_opens_nothing_there(market):
    _, sold, _ = await market.buy(HUB, DE_A, resource=NEWS)

    found = await introspected(market, sold["access_token"], path="GB/gb-b")

    assert (found["active"], found["permitted"]) == (True, False)


async def test_an_old_token_is_not_active(market):
    _, sold, _ = await market.buy(HUB, DE_A, resource=NEWS)
    market.small.set_clock(DAY + timedelta(minutes=17))
    try:
        assert await introspected(market, sold["access_token"]) == OFF
    finally:
        market.small.set_clock(DAY)


# What everybody reads of a member.


async def test_terms_are_public_known_again_and_nobodys_is_not_found(market):
    for name, kind in (
        ("license.xml", "application/rsl+xml"),
        ("tdmrep.json", "application/json"),
        ("robots.txt", "text/plain; charset=utf-8"),
    ):
        path = f"/sites/de-a/{name}"
        status, body, headers = await market.get("DE", path)
        assert (status, headers["Content-Type"], bool(body)) == (200, kind, True)
        again = await market.get("DE", path, **{"If-None-Match": headers["ETag"]})
        assert again[:2] == (304, b"")
        for nobody in ("nobody", "fr-a", "%00", "a" * 500):
            status, body, _ = await market.get("DE", f"/sites/{nobody}/{name}")
            assert status == (400 if nobody == "%00" else 404), (nobody, body)


async def test_a_member_that_reserves_all_and_one_that_is_contested_sell_nothing(market):
    _, body, _ = await market.get("DE", "/sites/de-b/license.xml")

    contents = etree.fromstring(body).findall(f"{NS}content")
    assert [(each.get("url"), each.get("server")) for each in contents] == [
        ("https://bild.example/", None)
    ]
    assert body.count(b'<prohibits type="usage">all</prohibits>') == 1
    _, lines, _ = await market.get("DE", "/sites/de-b/robots.txt")
    assert b"Content-Signal: search=no, ai-input=no, ai-train=no" in lines
    _, tdm, _ = await market.get("DE", "/sites/de-b/tdmrep.json")
    assert json.loads(tdm) == [{"location": "/", "tdm-reservation": 1}]


async def test_nothing_of_a_fee_or_of_a_person_stands_in_what_is_public(market):
    for name in ("license.xml", "tdmrep.json", "robots.txt"):
        _, body, _ = await market.get("DE", f"/sites/de-a/{name}")
        for secret in (b"Anna", b"1200000", b"365000", b"900", b"lab-one", b"DE75", b"@"):
            assert secret not in body, (name, secret)


async def test_where_to_buy_is_an_address_that_answers(market):
    status, body, _ = await market.get(HUB, "/buy")

    found, url = json.loads(body), market.small.running[HUB].url
    assert status == 200
    assert (found["buy_at"], found["uses"], found["usages"]) == (
        f"{url}/buy",
        ["GROUND", "TRAIN"],
        ["ai-train", "ai-input"],
    )
    assert found["olp"] == f"{url}/olp/{{node}}/{{member}}"
    assert (await market.get(HUB, found["oauth"].removeprefix(url)))[0] == 200


async def test_the_key_set_is_where_verifiers_of_rsl_look_for_it(market):
    for code in (HUB, "DE"):
        here = await market.get(code, "/.well-known/jwks.json")
        there = await market.get(code, "/.well-known/jwks.json/platform")
        assert (there[0], there[1]) == (200, here[1])


@pytest_asyncio.fixture(loop_scope="session")
async def own(backend, tmp_path):
    """One of which a test changes something."""
    async with open_market(backend, tmp_path) as found:
        yield found


CHANGE = """mutation($number: String!) {{
  {act}(number: $number, reason: "tested") {{ __typename ... on Refused {{ code message }} }} }}"""
REVOKE = """mutation($id: ID!) { revokeClient(client: $id) { __typename
  ... on Refused { code message } } }"""
OPT_OUT = "subject,use,effective_at\nmember:gb-b,{use},2026-09-20T00:00:00Z\n"


async def a_lab_has_more_dead_licences_than_are_read(own):
    """All of them newer and longer than the one that is alive."""
    async with own.small.databases[HUB].write("test.dead") as session:
        row = await session.get(Licence, "HUB-000001")
        for n in range(LICENCES_MAX):
            session.add(
                Licence(
                    number=f"HUB-9{n:05}",
                    version=1,
                    licensor=HUB,
                    licensee=row.licensee,
                    status="REVOKED",
                    starts_on=row.starts_on,
                    ends_on=row.ends_on + timedelta(days=1),
                    body=row.body,
                    signed="",
                    accepted_at=DAY,
                )
            )
    status, found, _ = await own.buy(HUB, DE_A, resource=NEWS)
    assert (status, claims(found["access_token"])["license_id"]) == (200, "HUB-000001")


async def licences_of_a_suspended_collective_hide_no_other(own):
    """A lab that trains has thirty for grounding there, which terms of both name first."""
    async with own.small.databases[HUB].write("test.suspended") as session:
        rows = await session.scalars(select(Licence).where(Licence.licensee.in_(SPECIALISTS)))
        found = {row.licensee: row for row in rows}
        row, grounds = found["trains"], decode(found["grounds"].body)
        (await get_party(session, "GB")).suspended_at = DAY
        for number in (f"GB-9{n:05}" for n in range(30)):
            body = msgspec.structs.replace(grounds, number=number, licensor=Licensor("GB"))
            session.add(
                Licence(
                    number=number,
                    version=1,
                    licensor="GB",
                    licensee=row.licensee,
                    status="ACTIVE",
                    starts_on=row.starts_on,
                    ends_on=row.ends_on,
                    body=msgspec.json.encode(body).decode(),
                    signed="",
                    accepted_at=DAY,
                )
            )
            await session.flush()
            session.add(
                Registration(
                    licence=number, node="DE", version=1, state="REGISTERED", changed_at=DAY
                )
            )
    both, grounding = own.terms("ai-input", "ai-train"), own.terms("ai-input")
    status, found, _ = await own.buy(HUB, DE_A, client="trains", license=both, resource=NEWS)
    assert (status, found["uses"]) == (200, ["TRAIN"])
    status, found, _ = await own.buy(HUB, DE_A, client="trains", license=grounding, resource=NEWS)
    assert (status, found["error"]) == (400, "invalid_license")
    assert "suspended is GB;" in found["error_description"]


async def licences_and_clients_change(own):
    """A licence suspended, reinstated, revoked; a member that opts out; a client revoked."""
    licensing = own.small.at(HUB, "licensing")
    _, sold, _ = await own.buy(HUB, DE_A, resource=NEWS)
    token = sold["access_token"]

    async def change(act):
        for number in ("HUB-000001", "DE-000001"):
            at = licensing if number == "HUB-000001" else own.small.at("DE", "licensing")
            await at.ask(CHANGE.format(act=act), number=number)
        await own.small.silence()

    await change("suspendLicence")
    found = await introspected(own, token)
    assert (found["permitted"], found["reason"]) == (False, "Licence HUB-000001 is suspended")
    status, refused, _ = await own.buy(HUB, DE_A, resource=NEWS)
    assert (status, refused["error"]) == (400, "invalid_license")
    assert "no licence of lab-one in force here grants" in refused["error_description"]
    await change("reinstateLicence")
    assert (await introspected(own, token))["permitted"] is True
    await change("revokeLicence")
    assert await introspected(own, token) == OFF
    assert (await own.buy(HUB, DE_A, resource=NEWS))[1]["error"] == "invalid_license"

    await licensing.ask(REVOKE, id=own.clients["one"].id)
    status, refused, _ = await own.buy(HUB, DE_A, resource=NEWS)
    assert (status, refused["error"]) == (401, "invalid_client")
    url = f"{own.base(HUB, DE_A)}/introspect"
    assert (await own.post(url, {"token": token}))[0] == 401


async def a_collective_is_suspended(own):
    async def suspend(instant):
        async with own.small.databases[HUB].write("test.suspend") as session:
            (await get_party(session, "DE")).suspended_at = instant

    _, sold, _ = await own.buy(HUB, DE_A, resource=NEWS)
    assert (await introspected(own, sold["access_token"]))["permitted"] is True
    await suspend(DAY)
    said = await introspected(own, sold["access_token"])
    assert (said["active"], said["permitted"]) == (True, False)
    assert (said["reason"], "license" in said) == ("DE is suspended", False)
    status, found, _ = await own.buy(HUB, DE_A, resource=NEWS)
    assert (status, found["error"]) == (400, "invalid_resource")
    assert "suspended" in found["error_description"]
    assert (await own.buy(HUB, "GB/gb-b", resource=PRESS))[0] == 200
    await suspend(None)
    assert (await own.buy(HUB, DE_A, resource=NEWS))[0] == 200


async def a_member_opts_out(own):
    async def opt_out(use):
        body = OPT_OUT.format(use=use).encode()
        await own.small.at("GB", "registry").post("/registry/optouts", body, "text/csv")
        await own.small.silence()

    await own.get("GB", "/sites/gb-b/license.xml")
    _, trains, _ = await own.buy(HUB, "GB/gb-b", resource=PRESS)
    await opt_out("TRAIN")
    _, body, _ = await own.get("GB", "/sites/gb-b/license.xml")
    assert judge(body, Asked(f"{PRESS}/a", "ai-train")).state == State.UNLICENSED
    assert judge(body, Asked(f"{PRESS}/a", "ai-input")).state == State.OFFERED
    assert (await introspected(own, trains["access_token"], path="GB/gb-b"))["permitted"] is False
    status, found, _ = await own.buy(HUB, "GB/gb-b", license=own.terms("ai-train"), resource=PRESS)
    assert (status, found["error"]) == (400, "invalid_license")
    assert "ai-train is reserved" in found["error_description"]
    assert (await own.buy(HUB, "GB/gb-b", resource=PRESS))[1]["scope"] == "ai-input"
    terms = own.terms("ai-input")

    await opt_out("*")
    _, body, _ = await own.get("GB", "/sites/gb-b/license.xml")
    assert b"server=" not in body
    assert (await own.buy(HUB, "GB/gb-b", license=terms, resource=PRESS))[0] == 400


async def a_licence_is_on_its_way_to_the_collective(own):
    async with own.small.databases[HUB].read() as session:
        number = await session.scalar(select(Licence.number).where(Licence.licensee == "trains"))

    async def register(state):
        async with own.small.databases[HUB].write("test.register") as session:
            (await session.get(Registration, (number, "DE"))).state = state

    async def bought(**asked):
        return await own.buy(HUB, DE_A, client="trains", resource=NEWS, **asked)

    await register("PENDING")
    status, found, headers = await bought()
    assert (status, headers["Retry-After"], found) == (
        503,
        "2",
        {
            "error": "temporarily_unavailable",
            "error_description": "The licence was sold, and its way to this collective takes some"
            f" seconds. ({number} is not registered at DE yet: ask again in some seconds)",
        },
    )
    status, found, _ = await bought(license=own.terms("ai-input"))  # which it does not grant
    assert (status, found["error"]) == (400, "invalid_license")
    await register("REFUSED")
    status, found, _ = await bought()
    assert (status, found["error"]) == (400, "invalid_license")
    await register("REGISTERED")
    assert (await bought())[0] == 200


async def test_what_changes_is_seen_at_once(own):
    """One federation for all of it: the last act leaves the lab nothing."""
    await a_licence_is_on_its_way_to_the_collective(own)
    await a_collective_is_suspended(own)
    await a_member_opts_out(own)
    await a_lab_has_more_dead_licences_than_are_read(own)
    await licences_of_a_suspended_collective_hide_no_other(own)
    await licences_and_clients_change(own)
