"""One rule per fact: HTTP shows and does for each role what GraphQL does, and no route is left out.

Each HTTP route and each file is asked in every role that a server knows, beside the GraphQL field
for the same fact or act; both must answer with the same refusal, or both with none.
"""

import re

import pytest

from federation.console.pages import PAGES
from federation.console.static_files import FILES_PATH
from federation.edge.api.openapi import document
from federation.edge.files import OF_A_NODE, OF_THE_HUB
from federation.ledger.export import FORMS
from federation.registry.service import TABLES
from federation.values.party import HUB
from federation.values.roles import Role
from tests.federation.harness import PERIOD, fetch, nothing_changes, send, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOOKS = "{ journal { edges { node { id } } } }"
RUNS = "{ runs { edges { node { runId } } } }"
HELD = "{ suspense { edges { node { reason } } } }"
STATEMENTS = "{ documents(series: STM) { edges { node { number } } } }"
OF_ANY_MEMBER = (
    f'{{ memberStatement(period: "{PERIOD}", member: "de-b") '
    "{ ... on MemberStatement { member } } }"
)

JOURNALS = {f"journal.{form}": BOOKS for form in FORMS}
MONTHLY = {
    "runs.json": RUNS,
    "report.json": RUNS,
    "held.csv": HELD,
    "held.json": HELD,
    "members.csv": OF_ANY_MEMBER,
    "payments.csv": "{ payments { edges { node { id } } } }",
    "usage.csv": f'{{ licenceUsage(period: "{PERIOD}") {{ edges {{ node {{ number }} }} }} }}',
    "statements.csv": STATEMENTS,
    "statements.json": STATEMENTS,
}


def one_document(number):
    return f'{{ document(number: "{number}") {{ number }} }}'


def one_licence(number):
    return f'{{ licence(number: "{number}") {{ number }} }}'


def files_of(names):
    return {f"{name.replace('.', f'/{PERIOD}.')}": MONTHLY[name] for name in names} | JOURNALS


READABLE = {
    HUB: {f"/files/{path}": fact for path, fact in files_of(OF_THE_HUB).items()}
    | {
        "/documents/INV-HUB-000001": one_document("INV-HUB-000001"),
        "/documents/INV-HUB-000002": one_document("INV-HUB-000002"),
        "/documents/RUN-HUB-000001": one_document("RUN-HUB-000001"),
        "/documents/INV-HUB-000001.pdf": one_document("INV-HUB-000001"),
        "/licences/HUB-000001.pdf": one_licence("HUB-000001"),
        "/licences/HUB-000001.jwt": one_licence("HUB-000001"),
        "/documents/NONE": one_document("NONE"),
    },
    "DE": {f"/files/{path}": fact for path, fact in files_of(OF_A_NODE).items()}
    | {
        "/documents/STM-DE-000001": one_document("STM-DE-000001"),
        "/documents/INV-DE-000001": one_document("INV-DE-000001"),
        f"/statements/de-b/{PERIOD}.pdf": OF_ANY_MEMBER,
        f"/statements/de-b/{PERIOD}.csv": OF_ANY_MEMBER,
    },
}

REGISTRY = "{ registryImports(first: 1) { pageInfo { hasNextPage } } }"
NO_MATCH = "mutation { confirmMatch(entries: [], items: []) { ... on Refused { code } } }"
NO_CUT_OFF = 'mutation { cutOff(period: "never") { ... on Refused { code } } }'
NO_ACCOUNT = """mutation { setMemberAccount(member: "nobody", account: { account: "x" }) {
  ... on Refused { code } } }"""
NO_ENDING = """mutation { confirmReservationEnding(version: "0", reason: "x") {
  ... on Refused { code } } }"""
DOABLE = {
    HUB: {"/banking/files": NO_MATCH, "/settlement/rates": NO_CUT_OFF},
    "DE": {
        "/banking/files": NO_MATCH,
        "/registry/members": NO_ACCOUNT,
        "/registry/works": NO_ACCOUNT,
        "/registry/optouts": NO_ACCOUNT,
        "/registry/imports": NO_ACCOUNT,
        "/reservations": NO_ENDING,
    },
}

PUBLIC = {"/health/live", "/healthz", "/health/ready", "/readyz", "/version", "/metrics"} | {
    "/.well-known/federation",
    "/.well-known/jwks.json",
    "/.well-known/jwks.json/platform",
}
STATUS_LISTS = {"/statuslists", "/statuslists/{number:int}", "/federation/statuslists"}
RSL = {  # for buyers, who prove themselves there, and for everybody
    "/buy",
    "/olp/{node:str}/{member:str}/token",
    "/olp/{node:str}/{member:str}/introspect",
    "/olp/{node:str}/{member:str}/key",
    "/olp/{member:str}/token",
    "/olp/{member:str}/introspect",
    "/olp/{member:str}/key",
    "/sites/{member:str}/license.xml",
    "/sites/{member:str}/tdmrep.json",
    "/sites/{member:str}/robots.txt",
}
OPENID_FEDERATION = {
    "/.well-known/openid-federation",
    "/federation/fetch",
    "/federation/list",
    "/federation/resolve",
}
OAUTH = {
    "/.well-known/oauth-authorization-server",
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
}
SIGN_IN = {  # pages and forms of who is not known yet, or of its own session
    "/sign-in",
    "/sign-in/provider",
    "/sign-in/callback",
    "/sign-in/invitation",
    "/sign-in/token",
    "/session",
    "/session/role",
    "/session/token",
    "/session/end",
}
# Pages are clients of GraphQL: what each shows is decided there (tests/console).
CONSOLE = {f"{FILES_PATH}/{{name:str}}", "/console/language", *(page.path for page in PAGES)}
OF_SERVERS = {
    "/federation/inbox",
    "/federation/index",
    "/federation/listed",
    "/federation/admission",
}
REGISTRY_FILES = {
    "/registry/imports/{name:str}",
    "/registry/export/{name:str}",
    "/reservations/{version:str}",
}
WITHOUT_GRAPHQL = {
    "/openapi.json",
    "/graphql/files/{name:str}",  # of the page that a browser is shown
    "/usage",
    "/visits",
    "/sites/{member:str}/policy",
    "/sites/enrol",  # a stranger's, by a code that somebody made in GraphQL
    "/validate",
    "/trust",
    "/withheld",
    "/withheld/{name:str}",
    *REGISTRY_FILES,
    *STATUS_LISTS,
    *OAUTH,
    *SIGN_IN,
    *CONSOLE,
    *OPENID_FEDERATION,
    *RSL,
}

PEOPLE = {Role.MEMBER: "member@de-a", Role.LAB: "buyer@lab-one"}


def everybody(small, code):
    """The server's people by role; two with the same role are one."""
    found = {}
    for person in small.running[code].config.principal:
        for role in person.roles:
            found.setdefault(Role(role), PEOPLE.get(role, person.subject))
    assert set(found) == set(Role)
    return {role: small.at(code, subject, role) for role, subject in found.items()}


def refusal(answer):
    return answer.code if answer.status >= 400 else None


def graphql_refusal(answer):
    """Return the code of a refusal; a member that is shown itself is not shown everybody."""
    data = answer.body.get("data") or {}
    if (data.get("memberStatement") or {}).get("member") == "de-a":
        return "NOT_ALLOWED"
    return answer.code


@pytest.mark.parametrize(
    ("code", "path"), [(code, path) for code, facts in READABLE.items() for path in facts]
)
async def test_http_shows_a_role_what_graphql_shows_it(settled, code, path):
    over_http, over_graphql = {}, {}
    for role, person in everybody(settled, code).items():
        over_http[role] = refusal(await fetch(settled, code, path, person))
        asked = await tell(settled, code, person, READABLE[code][path])
        over_graphql[role] = graphql_refusal(asked)

    assert over_http == over_graphql
    if path != "/documents/NONE":
        assert over_http[Role.AUDITOR] is None
    reads_it = path.startswith("/licences/")  # as a node registers them
    assert over_http[Role.NODE_OPERATOR] == (None if reads_it else "NOT_ALLOWED")
    assert over_http[Role.SITE] == "NOT_ALLOWED"


@pytest.mark.parametrize(
    ("code", "path"), [(code, path) for code, acts in DOABLE.items() for path in acts]
)
async def test_http_does_for_a_role_what_graphql_does_for_it(settled, code, path):
    over_http, over_graphql = {}, {}
    async with nothing_changes(settled, code):
        for role, person in everybody(settled, code).items():
            sent = await send(settled, code, path, b"not a file", token=person._token())
            over_http[role] = refusal(sent) == "NOT_ALLOWED"
            asked = await tell(settled, code, person, DOABLE[code][path])
            over_graphql[role] = asked.code == "NOT_ALLOWED"
            assert (refusal(sent), asked.code) != (None, None)

    assert over_http == over_graphql
    assert sum(not is_refused for is_refused in over_http.values()) == 1


async def test_usage_is_taken_from_labs_at_the_hub_and_from_sites_at_a_node(settled):
    taken = set()
    async with nothing_changes(settled, HUB, "DE"):
        for code in (HUB, "DE"):
            for role, person in everybody(settled, code).items():
                headers = {"Idempotency-Key": "x" * 129}
                answer = await send(
                    settled, code, "/usage", b"", token=person._token(), headers=headers
                )
                if answer.code == "BAD_IDEMPOTENCY_KEY":
                    assert answer.status == 400
                    taken.add((code, role))
                else:
                    assert (answer.status, answer.code) == (403, "NOT_ALLOWED")

    assert taken == {(HUB, Role.LAB), ("DE", Role.SITE)}


async def test_visits_are_taken_from_the_sites_of_members(settled):
    async with nothing_changes(settled, "DE"):
        answers = {
            role: refusal(await send(settled, "DE", "/visits", b"", token=person._token()))
            for role, person in everybody(settled, "DE").items()
        }

    assert answers.pop(Role.SITE) == "BAD_BODY"
    assert set(answers.values()) == {"NOT_ALLOWED"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/registry/imports/none.csv", "UNKNOWN_IMPORT"),
        ("/registry/export/works.csv", None),
        ("/reservations/0", "UNKNOWN_SOURCE"),
    ],
)
async def test_registry_files_are_for_who_may_read_their_imports(settled, path, found):
    people = everybody(settled, "DE")
    over_http = {
        role: refusal(await fetch(settled, "DE", path, who)) for role, who in people.items()
    }
    asked = {role: await tell(settled, "DE", who, REGISTRY) for role, who in people.items()}

    may = {role for role, answer in asked.items() if answer.code is None}
    assert may == {Role.REGISTRY_OFFICER, Role.NODE_OPERATOR, Role.AUDITOR}
    assert over_http == {role: found if role in may else "NOT_ALLOWED" for role in people}


@pytest.mark.parametrize("path", ["/withheld", "/withheld/DE.ndjson", "/withheld/DE.csv"])
async def test_what_is_withheld_is_for_labs_and_for_who_answers_them(settled, path):
    people = everybody(settled, HUB)
    over_http = {
        role: refusal(await fetch(settled, HUB, path, who)) for role, who in people.items()
    }

    may = {Role.LAB, Role.LICENSING_OFFICER, Role.AUDITOR}
    assert over_http == {role: None if role in may else "NOT_ALLOWED" for role in people}


async def test_a_policy_is_for_its_site_and_for_who_keeps_the_registry(settled):
    people = everybody(settled, "DE") | {"own": settled.at("DE", "site@de-a", "site")}
    answers = {
        role: refusal(await fetch(settled, "DE", "/sites/de-a/policy", person))
        for role, person in people.items()
    }

    allowed = {role for role, code in answers.items() if code is None}
    assert allowed == {Role.REGISTRY_OFFICER, "own"}


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_nobody_without_a_token_comes_through_a_door(settled, code):
    for path in READABLE[code]:
        async with settled.http.get(f"{settled.running[code].url}{path}") as response:
            assert response.status == 401
    async with nothing_changes(settled, code):
        for path in [*DOABLE[code], "/usage"]:
            answer = await send(settled, code, path, b"")
            assert (answer.status, answer.code) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_every_route_has_its_place_in_this_file(settled, code):
    walked = {"/files/{path:path}", "/documents/{name:str}", "/licences/{name:str}", "/graphql"}
    walked |= set() if code == HUB else {"/statements/{member:str}/{name:str}"}
    tables = {f"/registry/{table}" for table in TABLES}
    walked |= {"/registry/{table:str}" if path in tables else path for path in DOABLE[code]}
    routes = {route.path for route in settled.keepers[code].service.parts.app.routes}

    assert routes - PUBLIC - OF_SERVERS - WITHOUT_GRAPHQL == walked


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_the_openapi_document_has_every_route_but_graphql_and_pages(settled, code):
    routes = {
        (re.sub(r":\w+}", "}", route.path), method.lower())
        for route in settled.keepers[code].service.parts.app.routes
        if route.path not in {"/graphql", *SIGN_IN, *CONSOLE} - {"/sign-in/token"}
        for method in route.methods - {"HEAD", "OPTIONS"}
    }
    paths = document("hub" if code == HUB else "node")["paths"]

    described = {(path, method) for path, methods in paths.items() for method in methods}
    assert described == routes
