"""Every refusal has its stable code and leaves nothing behind, over real HTTP on both backends."""

import asyncio
import base64
import gzip
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from federation.licensing.objects import SIGNED_TYPE
from federation.scenario.servers import HUB_ENTITY
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token
from federation.trust.admission import particulars
from federation.values.party import HUB
from tests.federation.callers import INBOX, MINT, call_token, entity, staff
from tests.federation.harness import (
    DAY,
    PERIOD,
    a_line,
    nothing_changes,
    send,
    tell,
    write_scenario,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRANGER = "https://stranger.example"

ACCEPT = """mutation($offer: ID!, $key: String!) {
  acceptOffer(offer: $offer, key: $key) {
    ... on Licence { number } ... on Refused { code message } } }"""

OFFERS = "{ offers { edges { node { id reason state licence } } } }"
LICENCE = "query($number: String!) { licence(number: $number) { number licensee signed } }"


CUT_OFF = """mutation($period: String!) {
  cutOff(period: $period) { ... on Period { state } ... on Refused { code message } } }"""

DELIVERIES = "{ deliveries { target waiting } }"

OFFER = """mutation($input: OfferInput!, $key: String!) {
  offerLicence(input: $input, key: $key) {
    ... on Offer { id state } ... on Refused { code message } } }"""


def a_delivery(kind, body, sequence=1):
    return msgspec.json.encode([{"sequence": sequence, "kind": kind, "body": body}])


async def next_number(small, sender, target):
    """Return the number of the next message from one server to another."""
    rows = (await small.rows([target]))[target]["store_inbox"]
    return 1 + max([row[1] for row in rows if row[0] == small.key(sender).kid], default=0)


@pytest.mark.parametrize("code", [HUB, "GB"])
async def test_a_server_nobody_admitted_has_no_say(shop, code):
    token = mint_server_token(SigningKey.generate(), caller=STRANGER, callee=entity(code), now=DAY)
    async with nothing_changes(shop, code):
        answer = await send(shop, code, INBOX, a_delivery("usage.cut_off", {}), token=token)

    assert (answer.status, answer.code) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("code", [HUB, "GB"])
async def test_a_message_without_a_token_has_no_sender(shop, code):
    async with nothing_changes(shop, code):
        answer = await send(shop, code, INBOX, a_delivery("usage.cut_off", {}))

    assert (answer.status, answer.code) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(("caller", "callee"), [("FR", HUB), (HUB, "GB")])
async def test_a_message_signed_with_another_key_is_not_its_senders(shop, caller, callee):
    token = call_token(shop, caller, entity(callee), key=SigningKey.generate())
    async with nothing_changes(shop, callee):
        answer = await send(shop, callee, INBOX, a_delivery("usage.report", {}), token=token)

    assert (answer.status, answer.code) == (401, "INVALID_TOKEN")
    assert "key: not a key of this issuer" in answer.body["message"]


@pytest.mark.parametrize(("caller", "callee"), [("FR", HUB), (HUB, "GB")])
async def test_a_token_for_another_server_opens_nothing_here(shop, caller, callee):
    token = call_token(shop, caller, entity("DE"))
    async with nothing_changes(shop, callee):
        answer = await send(shop, callee, INBOX, a_delivery("usage.report", {}), token=token)

    assert (answer.status, answer.code) == (401, "INVALID_TOKEN")
    assert "audience: meant for another server" in answer.body["message"]


async def test_a_call_is_good_for_its_minute(shop):
    token = call_token(shop, "FR", HUB_ENTITY, now=DAY - timedelta(minutes=3))
    async with nothing_changes(shop, HUB):
        answer = await send(shop, HUB, INBOX, a_delivery("usage.report", {}), token=token)

    assert (answer.status, answer.code) == (401, "INVALID_TOKEN")
    assert "expired" in answer.body["message"]


@pytest.mark.parametrize("kind", ["roster.changed", "usage.cut_off", "licence.issued"])
async def test_a_node_takes_messages_of_the_hub_only(shop, kind):
    """Another collective's word could change keys, close months and distribute money."""
    bodies = {
        "roster.changed": {
            "peers": [
                {
                    "code": HUB,
                    "entity_id": HUB_ENTITY,
                    "url": "http://127.0.0.1:1",
                    "name": "Not the hub",
                    "jwk": SigningKey.generate().public_jwk(),
                }
            ]
        },
        "usage.cut_off": {"period": PERIOD},
        "licence.issued": {"signed": await signed_licence(shop, "FR", "FR-000001")},
    }
    token = call_token(shop, "FR", entity("GB"))
    async with nothing_changes(shop, "GB"):
        answer = await send(shop, "GB", INBOX, a_delivery(kind, bodies[kind]), token=token)

    assert (answer.status, answer.code) == (403, "NOT_ALLOWED")


async def signed_licence(small, signer, number):
    """Return a licence like DE's own under another number, signed by somebody."""
    found = await small.at("DE", "licensing").ask(LICENCE, number="DE-000001")
    payload = found["signed"].split(".")[1]
    body = msgspec.json.decode(_unpadded(payload))
    body["number"] = number
    body["licensor"]["party"] = number.rpartition("-")[0]
    return sign(body, typ=SIGNED_TYPE, key=small.key(signer))


def _unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def an_application(small, key, **changes):
    """Return what a stranger sends to be admitted."""
    terms = msgspec.to_builtins(particulars(small.running["FR"].config)) | {"code": "XX"}
    body = {
        "entity_id": STRANGER,
        "url": "https://stranger.example/api",
        "jwk": key.public_jwk(),
        "terms": terms,
    }
    body |= {name: value for name, value in changes.items() if name in body}
    terms |= {name: value for name, value in changes.items() if name not in body}
    return body


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"token": "t", "publisher_id": "fr-a"}'])
async def test_a_question_that_cannot_be_read_is_refused(shop, body):
    async with nothing_changes(shop, HUB, "FR"):
        token = call_token(shop, "FR", HUB_ENTITY)
        index = await send(shop, HUB, "/federation/index", body, token=token)
        valid = await send(shop, "FR", "/validate", body)

    assert [(index.status, index.code), (valid.status, valid.code)] == [(422, "BAD_BODY")] * 2


BAD_STAFF = {
    "expired": (HUB, HUB, "auditor", "auditor", DAY - timedelta(hours=13), "INVALID_TOKEN"),
    "of another server": ("DE", "DE", "auditor", "auditor", DAY, "INVALID_TOKEN"),
    "signed elsewhere": (HUB, "DE", "auditor", "auditor", DAY, "INVALID_TOKEN"),
    "role taken away": (HUB, HUB, "auditor", "settlement_officer", DAY, "NOT_AUTHENTICATED"),
    "person who left": (HUB, HUB, "gone", "auditor", DAY, "NOT_AUTHENTICATED"),
}


@pytest.mark.parametrize("case", BAD_STAFF)
async def test_a_staff_token_that_is_not_good_here_opens_nothing(shop, case):
    code, signer, subject, role, now, refusal = BAD_STAFF[case]
    token = staff(shop, code, subject, role, signer=signer, now=now)
    query = msgspec.json.encode({"query": DELIVERIES})
    json_type = {"Content-Type": "application/json"}
    async with nothing_changes(shop, HUB):
        rates = await send(shop, HUB, "/settlement/rates", b"date,currency,rate\n", token=token)
        asked = await send(shop, HUB, "/graphql", query, token=token, headers=json_type)

    assert (rates.status, rates.code) == (401, refusal)
    assert (asked.status, asked.code, asked.body["data"]) == (200, "NOT_AUTHENTICATED", None)


async def test_a_role_that_is_not_asked_for_is_refused(shop):
    async with nothing_changes(shop, HUB):
        rates = await send(
            shop, HUB, "/settlement/rates", b"", token=staff(shop, HUB, "auditor", "auditor")
        )
        month = await tell(shop, HUB, shop.at(HUB, "auditor"), CUT_OFF, period="2026-08")

    assert (rates.status, rates.code) == (403, "NOT_ALLOWED")
    assert month.code == "NOT_ALLOWED"


async def offer_of(small, licence):
    offers = await small.at(HUB, "licensing").rows(OFFERS)
    return next(item for item in offers if item["licence"] == licence)


async def test_an_offer_is_accepted_once(shop):
    offer, lab = await offer_of(shop, "HUB-000001"), shop.lab("lab-one")
    async with nothing_changes(shop, HUB):
        other_key = await tell(shop, HUB, lab, ACCEPT, offer=offer["id"], key="again")
        same_key = await tell(shop, HUB, lab, ACCEPT, offer=offer["id"], key="L1")
        other_offer = await tell(shop, HUB, lab, ACCEPT, offer="O-none", key="L1")

    assert other_key.code == "OFFER_NOT_OPEN"
    assert same_key.body["data"] == {"acceptOffer": {"number": "HUB-000001"}}
    assert other_offer.code == "IDEMPOTENCY_CONFLICT"


async def test_an_offer_is_accepted_by_whom_it_was_made_to(shop):
    offer = await offer_of(shop, "HUB-000001")
    async with nothing_changes(shop, HUB):
        answer = await tell(shop, HUB, shop.lab("lab-two"), ACCEPT, offer=offer["id"], key="mine")

    assert answer.code == "UNKNOWN_OFFER"


async def test_another_labs_licence_does_not_exist(shop):
    lab, audience = shop.lab("lab-two"), ["https://news.example/de/"]
    async with nothing_changes(shop, HUB, "DE"):
        seen = await tell(shop, HUB, lab, LICENCE, number="HUB-000001")
        unknown = await tell(shop, HUB, lab, LICENCE, number="HUB-000777")
        minted = await tell(shop, HUB, lab, MINT, licence="HUB-000001", audience=audience)
        at_node = await tell(
            shop, "DE", shop.lab("lab-two", "DE"), MINT, licence="HUB-000001", audience=audience
        )

    assert (seen.code, seen.body["data"]) == ("UNKNOWN_LICENCE", None)
    assert (
        seen.body["errors"][0]["message"].replace("000001", "000777")
        == (unknown.body["errors"][0]["message"])
    )
    assert (minted.code, at_node.code) == ("UNKNOWN_LICENCE", "UNKNOWN_LICENCE")


@pytest.mark.parametrize(
    ("audience", "uses", "code"),
    [
        (["https://news.example/"], ["SEARCH"], "OUTSIDE_LICENCE"),
        ([], None, "OUTSIDE_LICENCE"),
        (["news.example/de/"], None, "MALFORMED_URL"),
        (["https://news.example/de/*"], None, "INVALID_GRANT"),
        (["https://news.example/de/?page=1"], None, "INVALID_GRANT"),
        (["https://news.example/de/#top"], None, "INVALID_GRANT"),
        (["https://news.example/"], None, "OUTSIDE_LICENCE"),  # wider than any claim
        (["https://nobody.example/"], None, "OUTSIDE_LICENCE"),
        (["https://news.example/de/", "https://news.example/fr/"], None, "OUTSIDE_LICENCE"),
        (["https://twins.example/"], None, "OUTSIDE_LICENCE"),  # contested within a node
        (["https://both.example/"], None, "OUTSIDE_LICENCE"),  # contested between nodes
    ],
)
async def test_a_token_covers_no_more_than_its_licence(shop, audience, uses, code):
    async with nothing_changes(shop, HUB):
        answer = await tell(
            shop,
            HUB,
            shop.lab("lab-one"),
            MINT,
            licence="HUB-000001",
            audience=audience,
            uses=uses,
        )

    assert answer.code == code


MEMBERS = """member_id,name,country,joined_on
x-1,X,FR,2026-01-01
x-2,Y,FR,2026-13-01
x-3,Z,FR,2026-01-01
"""

WORKS = """member_id,claim,content_tier
fr-a,new.example/1,premium
fr-a,new.example/2,golden
fr-z,new.example/3,premium
"""

OPTOUTS = """subject,use,effective_at
new.example,*,2026-09-01T00:00:00Z
member:fr-z,TRAIN,2026-09-01T00:00:00Z
"""

BROKEN = {
    "members": (MEMBERS, [(3, "joined_on", "no ISO date: '2026-13-01'")]),
    "works": (
        WORKS,
        [
            (3, "content_tier", "unknown: 'golden', known: premium, standard"),
            (4, "member_id", "no such member: fr-z"),
        ],
    ),
    "optouts": (OPTOUTS, [(3, "subject", "no such member: fr-z")]),
}


@pytest.mark.parametrize("table", BROKEN)
async def test_a_table_with_a_broken_row_is_not_taken_at_all(shop, table):
    text, errors = BROKEN[table]
    token = staff(shop, "FR", "registry", "registry_officer")
    async with nothing_changes(shop, "FR"):
        answer = await send(shop, "FR", f"/registry/{table}", text.encode(), token=token)

    assert (answer.status, answer.code) == (422, "BAD_TABLE")
    assert [tuple(error.values()) for error in answer.body["errors"]] == errors


async def test_rates_with_a_broken_row_are_not_taken_at_all(shop):
    text = "date,currency,rate\n2026-09-30,GBP,0.85\n2026-09-30,USD,1e3\n"
    token = staff(shop, HUB, "settlement", "settlement_officer")
    async with nothing_changes(shop, HUB):
        answer = await send(shop, HUB, "/settlement/rates", text.encode(), token=token)

    assert (answer.status, answer.code) == (422, "BAD_TABLE")
    assert [(e["line"], e["column"]) for e in answer.body["errors"]] == [(3, "rate")]


@pytest.mark.parametrize(
    "rows",
    [
        "fr-b,journal.example,premium\n",
        "fr-b,JOURNAL.example/,standard\n",
        "fr-a,new.example,premium\nfr-a,new.example/,premium\n",
    ],
)
async def test_the_same_claim_is_made_once(shop, rows):
    text = f"member_id,claim,content_tier\n{rows}"
    token = staff(shop, "FR", "registry", "registry_officer")
    async with nothing_changes(shop, "FR"):
        answer = await send(shop, "FR", "/registry/works", text.encode(), token=token)

    assert (answer.status, answer.code) == (422, "BAD_TABLE")
    assert "claimed twice by fr-" in answer.body["errors"][0]["reason"]


async def test_a_scenario_with_a_broken_row_ends_with_its_place_and_nothing_written(tmp_path):
    usage = (
        "event_id,licence,url,use,units,occurred_at,source\n"
        "e-1,L1,https://news.example/de/1,TRAIN,1,2026-09-10T12:00:00Z,site\n"
        "e-2,L1,https://news.example/de/2,TRAIN,one,2026-09-10T12:00:00Z,site\n"
        "e-3,L1,https://news.example/de/3,TRAIN,1,2026-09-10T12:00:00Z,site\n"
    )
    folder, out = tmp_path / "scenario", tmp_path / "out"
    with pytest.raises(Exception, match="line 3"):
        write_scenario(folder, usage_csv=usage)
    command = [str(Path(sys.executable).parent / "federation"), "scenario", "run"]
    process = await asyncio.create_subprocess_exec(
        *command, str(folder), "--out", str(out), stderr=subprocess.PIPE
    )
    async with asyncio.timeout(30):
        _, stderr = await process.communicate()

    assert process.returncode == 2
    assert "usage.csv, line 3, column units: no integer: 'one'" in stderr.decode()
    assert list(out.iterdir()) == []


def a_body(count, extra=b""):
    line = msgspec.json.encode(a_line("e", "HUB-000001", "https://news.example/de/1"))
    return b"\n".join([line] * count) + extra


OVERSIZE = {
    "5,001 lines": a_body(5_001),
    "more than 8 MiB": b" " * (8 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("case", OVERSIZE)
async def test_a_batch_beyond_the_limits_is_refused(shop, case):
    token = staff(shop, "DE", "sites", "site")
    headers = {"Idempotency-Key": "oversize"}
    async with nothing_changes(shop, "DE"):
        answer = await send(shop, "DE", "/usage", OVERSIZE[case], token=token, headers=headers)

    assert (answer.status, answer.code) == (413, "BATCH_TOO_LARGE")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "x" * 129}])
async def test_a_batch_needs_its_key(shop, headers):
    async with nothing_changes(shop, "DE"):
        answer = await send(
            shop,
            "DE",
            "/usage",
            a_body(1),
            token=staff(shop, "DE", "sites", "site"),
            headers=headers,
        )

    assert (answer.status, answer.code) == (400, "BAD_IDEMPOTENCY_KEY")


PACKED_WRONGLY = {
    "br": (a_body(1), 415, "UNKNOWN_ENCODING"),
    "gzip, gzip": (gzip.compress(gzip.compress(a_body(1))), 415, "UNKNOWN_ENCODING"),
    "gzip": (gzip.compress(bytes(64 * 1024 * 1024)), 413, "BATCH_TOO_LARGE"),  # a bomb
    "deflate": (a_body(1), 422, "BAD_BODY"),
}


@pytest.mark.parametrize("encoding", PACKED_WRONGLY)
async def test_a_batch_packed_in_no_known_way_or_beyond_the_limit_is_refused(shop, encoding):
    body, status, code = PACKED_WRONGLY[encoding]
    token = staff(shop, "DE", "sites", "site")
    headers = {"Idempotency-Key": "packed", "Content-Encoding": encoding}
    async with nothing_changes(shop, "DE"):
        answer = await send(shop, "DE", "/usage", body, token=token, headers=headers)

    assert (answer.status, answer.code) == (status, code)


async def test_sites_report_to_their_node_and_labs_to_the_hub(shop):
    headers = {"Idempotency-Key": "elsewhere"}
    tokens = {
        HUB: staff(shop, HUB, "sites", "site"),
        "DE": staff(shop, "DE", "buyer@lab-one", "lab"),
    }
    async with nothing_changes(shop):
        answers = [
            await send(shop, code, "/usage", a_body(1), token=token, headers=headers)
            for code, token in tokens.items()
        ]

    assert [(answer.status, answer.code) for answer in answers] == [(403, "NOT_ALLOWED")] * 2


def nested_fragments(depth):
    parts = [f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(depth)]
    return "\n".join(
        [*parts, f"fragment f{depth} on Query {{ collectives {{ code }} }}", "{ ...f0 }"]
    )


BOMBS = {
    "60 nested fragments": (nested_fragments(60), "TOO_DEEP"),
    "a fragment in itself": ("fragment a on Query { ...a } { ...a }", "INVALID_DOCUMENT"),
    "400 aliases": (
        "{" + " ".join(f"a{n}: collectives {{ code }}" for n in range(400)) + "}",
        "TOO_MANY_TOKENS",
    ),
    "21 root fields": (
        "{" + " ".join(f"a{n}: tariff {{ version }}" for n in range(21)) + "}",
        "TOO_MANY_ALIASES",
    ),
    "300 levels": ("{a" * 300 + "}" * 300, "TOO_DEEP"),
    "5,000 braces": ("{a" * 5_000, "TOO_DEEP"),
    "no document": ("{", "SYNTAX"),
    "an unknown field": ("{ secrets }", "INVALID_DOCUMENT"),
}


@pytest.mark.parametrize("code", [HUB, "GB"])
@pytest.mark.parametrize("case", BOMBS)
async def test_a_document_that_is_too_heavy_is_not_executed(shop, case, code):
    document, refusal = BOMBS[case]
    async with nothing_changes(shop, code):
        answer = await tell(shop, code, None, document)

    assert (answer.status, answer.code) == (200, refusal)
    assert "data" not in answer.body


async def test_a_megabyte_of_graphql_is_not_read(shop):
    document = "{ collectives { code } } #" + "x" * 1_000_000
    async with nothing_changes(shop, HUB):
        answer = await tell(shop, HUB, None, document)

    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


async def test_batches_of_documents_are_not_taken(shop):
    body = msgspec.json.encode([{"query": "{ collectives { code } }"}] * 2)
    headers = {"Content-Type": "application/json"}
    async with nothing_changes(shop, HUB):
        answer = await send(shop, HUB, "/graphql", body, headers=headers)

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("period", ["2026-09", "2026-10", "2027-01"])
async def test_a_month_is_cut_off_when_it_is_over(shop, period):
    async with nothing_changes(shop, HUB):
        answer = await tell(shop, HUB, shop.at(HUB, "settlement"), CUT_OFF, period=period)

    assert answer.code == "PERIOD_NOT_OVER"


@pytest.mark.parametrize(
    "period", ["", "2026", "2026-8", "2026-13", "2026-00", "2026-08-01", "x", "1" * 500, "२०२६-08"]
)
async def test_what_is_no_month_is_not_cut_off(shop, period):
    async with nothing_changes(shop, HUB):
        answer = await tell(shop, HUB, shop.at(HUB, "settlement"), CUT_OFF, period=period)

    assert answer.code == "BAD_PERIOD"


@pytest.mark.parametrize(
    "question",
    [
        'period(period: "@") { state }',
        'runs(period: "@") { edges { cursor } }',
        'payments(period: "@") { edges { cursor } }',
        'incomingRemittances(period: "@") { id }',
        'documents(period: "@") { edges { cursor } }',
        'expectedReports(period: "@") { node }',
        'missingReports(period: "@") { node }',
        'signedLedgerHead(period: "@")',
        'whyAmount(period: "@", licence: "HUB-000001", party: "GB") { label }',
    ],
)
async def test_a_question_about_no_month_is_refused(shop, question):
    document = "{ " + question.replace("@", "2026-13") + " }"

    answer = await tell(shop, HUB, shop.at(HUB, "auditor"), document)

    [error] = answer.body["errors"]
    assert error["extensions"]["code"] == "BAD_PERIOD"


INVALID, PAGE = "INVALID_DOCUMENT", "{ edges { cursor } }"


@pytest.mark.parametrize(
    ("server", "question", "code", "said"),
    [
        (HUB, f"payments(state: PAID) {PAGE}", INVALID, "'PAID' does not exist in 'PaymentState'"),
        (HUB, f'payments(state: "PROPOSED") {PAGE}', INVALID, "cannot represent non-enum value"),
        (HUB, f"documents(series: IVN) {PAGE}", INVALID, "not exist in 'DocumentSeries'"),
        (HUB, f"heldClaims(state: OPEN) {PAGE}", INVALID, "does not exist in 'HeldClaimState'"),
        (HUB, f"suspense(reason: LOST) {PAGE}", INVALID, "does not exist in 'HeldReason' enum"),
        (HUB, f'suspense(currency: "EURO") {PAGE}', "UNKNOWN_CURRENCY", "EURO"),
        (HUB, 'limitsInForce(currency: "EURO") { kind }', "UNKNOWN_CURRENCY", "EURO"),
        (
            HUB,
            'accountHistory(account: "x", currency: "EURO") { account }',
            "UNKNOWN_CURRENCY",
            "EURO",
        ),
        (HUB, 'rights(urls: [], use: "FLY") { complete }', "UNKNOWN_USE", "FLY"),
    ],
)
async def test_a_question_with_a_word_that_means_nothing_is_refused(
    shop, server, question, code, said
):
    """It used to be answered as if there were nothing, or from the beginning."""
    answer = await tell(shop, server, shop.at(server, "auditor"), "{ " + question + " }")

    [error] = answer.body["errors"]
    assert error["extensions"]["code"] == code
    assert said in error["message"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"licensee": "lab-nine"}, "UNKNOWN_LICENSEE"),
        ({"reason": "  "}, "REASON"),
        ({"startsOn": "2026-12-01", "endsOn": "2026-11-30"}, "BAD_OFFER"),
        ({"currency": "XXX"}, "UNKNOWN_CURRENCY"),
        ({"components": []}, "BAD_OFFER"),
        ({"components": [{"uses": ["FLY"], "fee": "1"}]}, "BAD_OFFER"),
        ({"components": [{"uses": ["TRAIN"], "fee": "-1"}]}, "BAD_OFFER"),
    ],
)
async def test_a_licence_that_contradicts_itself_is_not_offered(shop, changes, code):
    terms = {
        "licensee": "lab-one",
        "components": [{"uses": ["TRAIN"], "fee": "100"}],
        "currency": "EUR",
        "startsOn": "2026-10-01",
        "endsOn": "2026-12-31",
        "usageBasis": "site",
        "reason": "a test",
    } | changes
    async with nothing_changes(shop, HUB):
        answer = await tell(shop, HUB, shop.at(HUB, "licensing"), OFFER, input=terms, key="bad")

    assert answer.code == code
