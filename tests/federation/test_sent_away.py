"""Every door counts who comes: too often is 429, too many at once is 503, each with its time."""

import re

import msgspec
import pytest
from graphql import parse

from federation.console.pages import PAGES, pages_of
from federation.quotas import Quota
from federation.values.party import HUB
from tests.federation.callers import INBOX, call_token, entity
from tests.federation.harness import a_line, nothing_changes, tell
from tests.still_quotas import still

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUOTE = """mutation($input: QuoteInput!) { requestQuote(input: $input) {
  ... on Offer { id } ... on Refused { code message } } }"""
LINE = {"node": "DE", "use": "TRAIN", "contentTier": "standard", "units": "1"}


def a_quote(lines):
    return {"expected": [LINE] * lines, "startsOn": "2026-09-02", "endsOn": "2026-09-01"}


def of(who, role=None):
    """A header of one of the people of a server."""
    return lambda small, code: small.at(code, who, role)._headers()


def of_lab(small, code):
    return small.lab("lab-one", code)._headers()


def of_peer(caller):
    """A header of another server."""
    return lambda small, code: {
        "Authorization": f"Bearer {call_token(small, caller, entity(code))}"
    }


def of_nobody(small, code):
    del small, code
    return {}


OLP = ("token", "introspect")
# Of each page of the console what nobody is answered: a page for everybody, or the way to sign in.
PAGES_OF = {HUB: pages_of("hub"), "DE": pages_of("node")}
# The search stands in the head, not in the menu; it finds for everybody what everybody may see.
OPEN = {page.path for page in PAGES if page.shown_to is None and page.group is not None}
OPEN |= {"/search"}
CONSOLE = [
    door
    for code, pages in PAGES_OF.items()
    for page in pages
    for path in [re.sub(r"\{[^}]*\}", "x", page.path)]
    for door in [
        ("anonymous", code, "GET", path, of_nobody, 200 if page.path in OPEN else 303),
        *([("anonymous", code, "POST", path, of_nobody, 403)] if page.acts else []),
    ]
]
# How many requests a page is, where it is more than one: each root field that it asks is one.
ROOT_FIELDS = {
    (code, re.sub(r"\{[^}]*\}", "x", page.path)): len(
        parse(page.document.text).definitions[0].selection_set.selections
    )
    for code, pages in PAGES_OF.items()
    for page in pages
}
# The quota, the server, the method, the path, who comes, and what the first of two is answered.
DOORS = [
    ("anonymous", HUB, "GET", "/health/ready", of_nobody, 200),
    ("anonymous", HUB, "GET", "/readyz", of_nobody, 200),
    ("anonymous", HUB, "GET", "/metrics", of_nobody, 200),
    ("anonymous", HUB, "GET", "/trust", of_nobody, 200),
    ("anonymous", HUB, "POST", INBOX, of_nobody, 401),
    ("anonymous", "DE", "POST", INBOX, of_peer("FR"), 403),
    ("anonymous", HUB, "POST", "/graphql", of_nobody, 415),
    ("anonymous", HUB, "GET", "/graphql/files/start.js", of_nobody, 200),
    ("anonymous", HUB, "GET", "/openapi.json", of_nobody, 200),
    ("anonymous", HUB, "GET", "/statuslists", of_nobody, 200),
    ("anonymous", HUB, "GET", "/statuslists/0", of_nobody, 200),
    ("anonymous", HUB, "GET", "/federation/statuslists", of_nobody, 200),
    ("anonymous", HUB, "GET", "/.well-known/openid-federation", of_nobody, 200),
    ("anonymous", HUB, "GET", "/federation/list", of_nobody, 200),
    ("anonymous", HUB, "GET", "/federation/fetch", of_nobody, 400),
    ("anonymous", HUB, "GET", "/federation/resolve", of_nobody, 400),
    ("anonymous", HUB, "GET", "/sign-in", of_nobody, 200),
    ("anonymous", HUB, "POST", "/sign-in", of_nobody, 403),
    ("anonymous", HUB, "GET", "/sign-in/invitation", of_nobody, 200),
    ("anonymous", HUB, "POST", "/sign-in/invitation", of_nobody, 403),
    ("anonymous", HUB, "POST", "/sign-in/token", of_nobody, 422),
    ("anonymous", HUB, "GET", "/sign-in/provider", of_nobody, 422),
    ("anonymous", HUB, "GET", "/sign-in/callback", of_nobody, 422),
    ("anonymous", HUB, "GET", "/session", of_nobody, 303),
    ("anonymous", HUB, "POST", "/session/role", of_nobody, 403),
    ("anonymous", HUB, "POST", "/session/token", of_nobody, 403),
    ("anonymous", HUB, "POST", "/session/end", of_nobody, 403),
    *CONSOLE,
    ("anonymous", HUB, "GET", "/console/files/app.css", of_nobody, 200),
    ("anonymous", HUB, "POST", "/console/language", of_nobody, 403),
    ("oauth", HUB, "POST", "/oauth/token", of_nobody, 400),
    ("oauth", HUB, "POST", "/oauth/introspect", of_nobody, 400),
    ("oauth", HUB, "POST", "/oauth/revoke", of_nobody, 400),
    ("admission", HUB, "POST", "/federation/admission", of_nobody, 401),
    ("validate", "DE", "POST", "/validate", of_nobody, 422),
    ("anonymous", HUB, "GET", "/buy", of_nobody, 200),
    ("anonymous", "DE", "GET", "/sites/de-a/license.xml", of_nobody, 200),
    ("anonymous", "DE", "GET", "/sites/de-a/robots.txt", of_nobody, 200),
    ("anonymous", "DE", "GET", "/sites/de-a/tdmrep.json", of_nobody, 200),
    ("enrolment", "DE", "POST", "/sites/enrol", of_nobody, 422),
    *(("oauth", HUB, "POST", f"/olp/DE/de-a/{act}", of_nobody, 400) for act in OLP),
    *(("oauth", "DE", "POST", f"/olp/de-a/{act}", of_nobody, 400) for act in OLP),
    ("anonymous", HUB, "POST", "/olp/DE/de-a/key", of_nobody, 400),
    ("anonymous", "DE", "POST", "/olp/de-a/key", of_nobody, 400),
    ("graphql", HUB, "POST", "/graphql", of_lab, 415),
    ("usage", HUB, "POST", "/usage", of_lab, 400),
    ("usage", "DE", "POST", "/usage", of("site@de-a", "site"), 400),
    ("usage", "DE", "POST", "/visits", of("site@de-a", "site"), 422),
    ("messages", HUB, "POST", INBOX, of_peer("FR"), 422),
    ("messages", "FR", "POST", INBOX, of_peer(HUB), 422),
    ("graphql", HUB, "POST", "/federation/index", of_peer("FR"), 422),
    ("messages", HUB, "POST", "/federation/listed", of_peer("FR"), 200),
    ("files", HUB, "POST", "/settlement/rates", of("settlement"), 422),
    ("files", HUB, "POST", "/banking/files", of("settlement"), 422),
    ("files", HUB, "GET", "/files/nothing", of("auditor"), 404),
    ("files", HUB, "GET", "/files/nothing.xlsx", of("auditor"), 404),
    ("files", HUB, "GET", "/documents/NONE", of("auditor"), 404),
    ("files", HUB, "GET", "/documents/NONE.pdf", of("auditor"), 404),
    ("files", HUB, "GET", "/licences/NONE.pdf", of("auditor"), 422),
    ("lists", HUB, "GET", "/withheld", of_lab, 200),
    ("lists", HUB, "GET", "/withheld/DE.csv", of_lab, 200),
    ("files", "DE", "POST", "/registry/works", of("registry"), 422),
    ("files", "DE", "POST", "/registry/imports", of("registry"), 400),
    ("files", "DE", "POST", "/reservations", of("registry"), 400),
    ("files", "DE", "GET", "/statements/de-a/2026-09.pdf", of("auditor"), 404),
    ("files", "DE", "GET", "/reservations/0", of("registry"), 404),
    ("files", "DE", "GET", "/registry/imports/none.csv", of("registry"), 404),
    ("files", "DE", "GET", "/registry/export/works.csv", of("registry"), 200),
    ("files", "DE", "GET", "/sites/de-a/policy", of("site@de-a", "site"), 200),
]


OF_BOTH = {path for _, _, _, path, *_ in DOORS} - {"/validate", "/federation/admission"}
# What a process always knows, whoever asks.
FREE = {
    "/health/live",
    "/healthz",
    "/version",
    "/.well-known/federation",
    "/.well-known/jwks.json",
    "/.well-known/jwks.json/platform",
    "/.well-known/oauth-authorization-server",
}


async def _twice(shop, door):
    """Return what two requests are answered, of which the quota has room for one."""
    act, code, method, path, whose, _ = door
    server = shop.keepers[code].service.server
    cost = ROOT_FIELDS.get((code, path), 1) if method == "GET" else 1
    kept, server.quotas = server.quotas, still({act: Quota(cost, 1)})
    answers = []
    try:
        for _ in range(2):
            url = f"{shop.running[code].url}{path}"
            async with shop.http.request(
                method, url, data=b"{", headers=whose(shop, code), allow_redirects=False
            ) as answer:
                answers.append((answer.status, answer.headers.get("Retry-After")))
    finally:
        server.quotas = kept
    return answers


@pytest.mark.parametrize("door", DOORS, ids=[" ".join(door[:4]) for door in DOORS])
async def test_every_door_counts_under_its_own_quota(shop, door):
    act, code, _, path, *_, first = door
    async with nothing_changes(shop, code):
        for _ in range(5):
            answers = await _twice(shop, door)
            if answers[0][0] != 429:  # else a server beside it asked as a stranger
                break

    # Of programs a request that fails costs sixty; what is laid out counts as twenty files.
    dear = "1200" if path.endswith((".pdf", ".xlsx")) else "60"
    wait = "3600" if act == "oauth" else dear
    assert answers == [(first, None), (429, wait)]


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_every_route_that_costs_something_is_a_door_of_this_file(shop, code):
    routes = {route.path for route in shop.keepers[code].service.parts.app.routes}
    paths = {path for _, at, _, path, *_ in DOORS if at == code} | OF_BOTH
    walked = {
        route
        for route in routes
        if any(re.fullmatch(re.sub(r"\{[^}]*\}", "[^{}]+", route), path) for path in paths)
    }

    assert routes - walked == FREE


async def test_a_quote_counts_each_of_its_lines(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"quotes": Quota(10, 1)})
    try:
        async with nothing_changes(shop, HUB):
            answers = [
                await tell(shop, HUB, shop.lab(lab), QUOTE, input=a_quote(lines))
                for lab, lines in (
                    ("lab-one", 4),
                    ("lab-one", 6),
                    ("lab-one", 1),
                    ("lab-two", 10),
                )
            ]
    finally:
        server.quotas = kept

    assert [answer.code for answer in answers] == [
        "BAD_OFFER",
        "BAD_OFFER",
        "TOO_MANY_REQUESTS",
        "BAD_OFFER",
    ]


async def test_a_server_that_is_busy_says_when_to_come_again(shop, monkeypatch):
    """503 over HTTP, a refusal in GraphQL, and a message that is sent again instead of parked."""
    lines = msgspec.json.encode(a_line("e-1", "HUB-000001", "https://news.example/de/1"))
    key = {"Idempotency-Key": "busy-1"}
    said = {"period": "2026-09", "lines": 0}
    message = {"stream": "usage/2026-09", "sequence": 1, "kind": "usage.forwarded", "body": said}
    doors = [
        ("DE", "/usage", lines, of("site@de-a", "site")(shop, "DE") | key),
        (HUB, "/settlement/rates", shop.scenario.rates, of("settlement")(shop, HUB)),
    ]
    peer = of_peer("FR")(shop, HUB)
    async with nothing_changes(shop):
        with monkeypatch.context() as patched:
            patched.setattr("federation.store.database.WAITING_MAX", 0)
            answers = []
            for code, path, body, headers in doors:
                url = f"{shop.running[code].url}{path}"
                async with shop.http.post(url, data=body, headers=headers) as answer:
                    found = msgspec.json.decode(await answer.read())
                    answers.append((answer.status, answer.headers["Retry-After"], found["code"]))
            asked = await tell(shop, HUB, shop.lab("lab-one"), QUOTE, input=a_quote(1))
            url = f"{shop.running[HUB].url}{INBOX}"
            async with shop.http.post(url, json=[message], headers=peer) as answer:
                status, taken = answer.status, msgspec.json.decode(await answer.read())

    assert answers == [(503, "5", "BUSY")] * 2
    # PostgreSQL refuses reads too: where it is time to look up again who asks, that says BUSY, and
    # nothing of the question or delivery is looked at.
    assert (asked.status, asked.code) in {(200, "BUSY"), (503, "BUSY")}
    if status == 200:
        assert taken["up_to"] == {}
        assert taken["not_taken"]["usage/2026-09"]["code"] == "BUSY"
    else:
        assert (status, taken["code"]) == (503, "BUSY")
    if shop.keepers[HUB].service.server.db.is_sqlite:
        assert (asked.status, status) == (200, 200)
