"""Every root field of both schemas is asked as every kind of caller, and answers as `who_may.txt`.

Each field is asked in nonsense, every argument given, so that who may not ask is refused before
anything is looked at. A query is asked in plain words too, which who may ask gets an answer to.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_union_type,
)

from federation.cli.sdl import sdl
from federation.values.party import HUB
from federation.values.roles import MAY_READ_HISTORIES, PEER, Role
from federation.webhooks.audience import MAY_KEEP_WEBHOOKS
from tests.federation.callers import call_token, entity, on_one_database
from tests.federation.harness import PERIOD, nothing_changes, send, tell

in_one_loop = pytest.mark.asyncio(loop_scope="session")

TABLE = Path(__file__).with_name("who_may.txt")
NOBODY = "nobody"
CALLERS = [*Role, PEER, NOBODY]
SERVERS = {"hub": HUB, "node": "DE"}
PEERS = {HUB: "FR", "DE": HUB}
PARTIES = {Role.LAB: "buyer@lab-one", Role.MEMBER: "member@de-a", Role.SITE: "site@de-a"}

ANSWERED, OWN, PART, REFUSED = "+", "o", "p", "."
UNKNOWN, FORBIDDEN = "NOT_AUTHENTICATED", "NOT_ALLOWED"
AT_ONCE = 10  # mutations of one document

# What no field takes: no id, no month, no word, no reason, no amount.
NONSENSE = {
    "String": '" "',
    "ID": '" "',
    "Int": "0",
    "BigInt": '"0"',
    "ClientKind": "NODE",  # none is made
    "ContentTier": '"standard"',
    "LicensedUse": '"TRAIN"',
    "Boolean": "true",
    "_Any": '{ __typename: "Collective", code: "ZZ" }',
    "Date": '"2026-09-30"',
    "DateTime": '"2026-09-30T00:00:00Z"',
}
# Has no word that is wrong: who may do it does it (`test_keys.py`), and is not asked to here.
DONE_AT_ONCE = {"makeNextKey"}
# What plain words name; what is not here is left out, or nonsense where the field needs it.
PLAIN = {
    "memberStatement": {"period": PERIOD, "member": "de-a"},
    "whyAmount": {"period": PERIOD, "member": "de-a"},
    "visits": {"member": "de-a"},
    "memberSites": {"member": "de-a"},
    "works": {"first": 1},
    "rightholders": {"first": 1},
    "registryChanges": {"first": 1},
    "members": {"first": 1},
    "member": {"id": "de-a"},
    "claims": {"first": 1, "member": "de-a"},
    "optOuts": {"first": 1, "member": "de-a"},
    "consentRecords": {"first": 1, "member": "de-a"},
    "consent": {"use": "TRAIN", "addresses": ["https://news.example/de/1"]},
    "proposals": {"first": 1},
    "successions": {"first": 1},
    "registryImports": {"first": 1},
    "publishedSources": {"first": 1},
    "reservations": {"first": 1},
    "worksOfAll": {"first": 1},
    "rightholdersOfAll": {"first": 1},
    "reservationsOfAll": {"first": 1},
    "conflicts": {"first": 1},
    "disputes": {"first": 1},
    "disputesBetween": {"first": 1},
    "worksAt": {"url": "https://pub.example/", "first": 1},
    "visitDifferences": {"member": "de-a"},
}


@dataclass(frozen=True)
class Field:
    """A root field of a server, and what its line says of each caller."""

    server: str
    operation: str
    name: str


def read_table(text):
    """Return the mark of each caller for each field; every word of the file is accounted for."""
    names, found, heading, columns = {}, {}, "", []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# ") and " = " in line:
            short, _, name = line.removeprefix("# ").partition(" = ")
            names[short] = name
        elif line.startswith("["):
            heading, _, rest = line.removeprefix("[").partition("]")
            operation, *shorts = rest.split()
            columns = [names[short] for short in shorts]
        elif line and not line.startswith("#"):
            name, *marks = line.split(maxsplit=len(columns) + 1)
            assert len(marks) >= len(columns), f"line {number} has too few marks"
            assert {*marks[: len(columns)]} <= {ANSWERED, OWN, PART, REFUSED}, f"line {number}"
            for server in heading.split():
                field = Field(server, operation, name)
                assert field not in found, f"line {number} is there twice"
                found[field] = dict(zip(columns, marks, strict=False))
    return found


MARKS = read_table(TABLE.read_text(encoding="utf-8"))


def schema_of(server):
    return build_schema(sdl(server), assume_valid_sdl=True)


def roots(server):
    """Return the root fields of a server's schema."""
    schema = schema_of(server)
    return {
        Field(server, operation, name): field
        for operation, kind in (("query", schema.query_type), ("mutation", schema.mutation_type))
        for name, field in kind.fields.items()
    }


FIELDS = {server: roots(server) for server in SERVERS}


def nonsense(kind):
    """Write a value that has the type and means nothing."""
    if isinstance(kind, GraphQLNonNull):
        return nonsense(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{nonsense(kind.of_type)}]"
    if isinstance(kind, GraphQLInputObjectType):
        return (
            f"{{ {_pairs({name: nonsense(field.type) for name, field in kind.fields.items()})} }}"
        )
    if isinstance(kind, GraphQLEnumType):
        return NONSENSE.get(kind.name, next(iter(kind.values)))
    return NONSENSE[kind.name]


def _pairs(arguments):
    return ", ".join(f"{name}: {value}" for name, value in arguments.items())


def asked(field, arguments):
    """Write a root field with arguments, asking for as little as can be."""
    kind = get_named_type(FIELDS[field.server][field].type)
    selection = "" if is_leaf_type(kind) else "{ __typename }"
    if is_union_type(kind) and any(each.name == "Refused" for each in kind.types):
        selection = "{ __typename ... on Refused { code } }"
    written = _pairs(arguments)
    return f"{field.name}{f'({written})' if written else ''} {selection}"


def in_nonsense(field):
    arguments = FIELDS[field.server][field].args
    return asked(field, {name: nonsense(argument.type) for name, argument in arguments.items()})


def in_plain_words(field):
    known = {"period": PERIOD} | PLAIN.get(field.name, {})
    return asked(
        field,
        {
            name: msgspec.json.encode(known[name]).decode()
            if name in known
            else nonsense(argument.type)
            for name, argument in FIELDS[field.server][field].args.items()
            if is_required_argument(argument) or name in PLAIN.get(field.name, {})
        },
    )


def token_of(small, code, caller):
    """Return the token of a caller of a server, None for nobody."""
    if caller == NOBODY:
        return None
    if caller == PEER:
        return call_token(small, PEERS[code], entity(code), now=small.clock())
    found = small.running[code].config.principal
    people = [person.subject for person in found if caller in person.roles]
    own = PARTIES.get(caller)
    return small.at(code, own if own in people else people[0], caller)._token()


async def answers(small, code, token, operation, fields):
    """Ask a server for root fields at once; return what it says to each, a code or `answered`."""
    document = f"{operation} {{ {' '.join(fields)} }}"
    body = msgspec.json.encode({"query": document})
    headers = {"Content-Type": "application/json"}
    answer = await send(small, code, "/graphql", body, token=token, headers=headers)
    said = dict.fromkeys(answer.body.get("data") or {}, "answered")
    for name, value in (answer.body.get("data") or {}).items():
        if isinstance(value, dict) and "code" in value:
            said[name] = value["code"]
    for error in answer.body.get("errors", []):
        assert error.get("path"), (document, error)
        said[error["path"][0]] = error["extensions"]["code"]
    return said


async def walk(small, server, caller):
    """Return the codes that a caller hears from each root field of a server."""
    code, heard = SERVERS[server], {field: [] for field in FIELDS[server]}
    token = token_of(small, code, caller)
    mutations = [field for field in heard if field.operation == "mutation"]
    done = [
        field
        for field in mutations
        if field.name in DONE_AT_ONCE and MARKS[field][caller] == ANSWERED
    ]
    for field in done:
        heard[field].append("answered")
        mutations.remove(field)
    for start in range(0, len(mutations), AT_ONCE):
        some = mutations[start : start + AT_ONCE]
        said = await answers(small, code, token, "mutation", map(in_nonsense, some))
        for field in some:
            heard[field].append(said[field.name])
    for field in heard.keys() - {*mutations, *done}:
        for words in dict.fromkeys([in_nonsense(field), in_plain_words(field)]):
            [said] = (await answers(small, code, token, "query", [words])).values()
            heard[field].append(said)
    return heard


def mark_of(said, expected):
    """Return the mark that answers stand for, or the answers where no mark does."""
    if set(said) == {FORBIDDEN}:
        return REFUSED
    if not {"UNEXPECTED", UNKNOWN}.isdisjoint(said):
        return " ".join(said)
    if expected in {OWN, PART}:  # one of them may ask for what is not shown: see `NARROWER`
        return expected
    return " ".join(said) if FORBIDDEN in said else ANSWERED


def test_every_field_has_a_line_and_every_caller_a_column():
    fields = {field for server in SERVERS for field in FIELDS[server]}

    assert MARKS.keys() == fields
    assert {tuple(marks) for marks in MARKS.values()} == {tuple(CALLERS)}


@in_one_loop
@on_one_database
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("server", SERVERS)
async def test_a_caller_is_answered_what_its_column_says(settled, server, caller):
    async with nothing_changes(settled, SERVERS[server]):
        heard = await walk(settled, server, caller)
    expected = {field.name: MARKS[field][caller] for field in heard}

    if caller == NOBODY:
        for field, said in heard.items():
            is_refused = expected[field.name] == REFUSED
            assert (set(said) == {UNKNOWN}) == is_refused, field
            assert is_refused or not {UNKNOWN, FORBIDDEN} & set(said), field
    else:
        found = {field.name: mark_of(said, expected[field.name]) for field, said in heard.items()}
        assert found == expected


ACCEPT = 'mutation { acceptOffer(offer: "%s", key: "x") { ... on Refused { code } } }'
MINT = """mutation { mintToken(licence: "%s", audience: ["https://news.example/de/"]) {
  ... on Refused { code } } }"""
MINT_MANY = """mutation { mintTokens(licence: "%s", sites: [["https://news.example/de/"]]) {
  ... on Refused { code } } }"""
BILLING = '{ billingDetails(licensee: "lab-one") { edges { node { licensee } } } }'
INVOICES = '{ invoices(licensee: "lab-one") { edges { node { licence } } } }'
STATE_BILLING = """mutation { stateBillingDetails(licensee: "lab-one", details: {
  name: " ", street: " ", city: " ", country: " " }) { ... on Refused { code } } }"""
USAGE = '{ licenceUsage(period: "2026-09", licensee: "lab-one") { edges { node { licensee } } } }'
COVERAGE = """{ coverage(urls: ["https://news.example/de/1"], uses: ["TRAIN"]) {
  items { uses { licences { number } why } } } }"""
LICENCES = "{ licences { edges { node { number } } } }"
LICENCE = '{ licence(number: "%s") { number } }'
OFFERS = "{ offers { edges { node { licensee } } } }"
DOCUMENTS = "{ documents { edges { node { number } } } }"
OF_A_SERIES = "{ documents(series: %s) { edges { node { number } } } }"
DOCUMENT = '{ document(number: "%s") { number } }'
USES = '{ usesOf(url: "https://x.bild.example/1") { recorded uses { licence } } }'
CLAIMS = '{ claims(first: 9, member: "de-b") { edges { node { claim } } } }'
DAYS = 'fromDay: "2026-09-01", toDay: "2026-09-30", member: "de-b"'
VISITS = f"{{ visits({DAYS}) {{ edges {{ node {{ agent }} }} }} }}"
SITES = '{ memberSites(member: "de-b") { site } }'
DIFFERENCES = f"{{ visitDifferences({DAYS}) {{ day }} }}"
STATEMENT = (
    f'{{ memberStatement(period: "{PERIOD}", member: "de-b") '
    "{ ... on MemberStatement { member } } }"
)
WHY_MEMBER = f'{{ whyAmount(period: "{PERIOD}", member: "de-b") {{ path }} }}'
WHY_PAYMENT = f'{{ whyAmount(payment: "PAY-{PERIOD}-HUB-DE") {{ path }} }}'
WHY_DOCUMENT = '{ whyAmount(number: "%s") { path } }'
WORK_LIST = "{ workList { kind } }"
CLIENTS = "{ clients { edges { node { id } } } }"
ISSUE = """mutation { issueClient(kind: %s, party: %s, name: "x", key: "x") {
  ... on Refused { code } } }"""
ADD = 'mutation { addClientCredential(client: "%s") { ... on Refused { code } } }'
REVOKE_CREDENTIAL = """mutation { revokeClientCredential(credential: "of-%s") {
  ... on Refused { code } } }"""
SITE_CODE = """mutation { issueSiteCode(member: "de-b", origins: ["https://x.example"]) {
  ... on Refused { code } } }"""
WITHDRAW_SITE_CODE = """mutation { withdrawSiteCode(code: "of-de-b") {
  ... on Refused { code } } }"""
REVOKE = 'mutation { revokeClient(client: "%s") { ... on Refused { code } } }'

NARROWED = {
    Role.LAB: "buyer@lab-two",
    Role.MEMBER: "member@de-a",
    Role.LICENSING_OFFICER: "licensing",
    Role.FEDERATION_OPERATOR: "operator",
    Role.NODE_OPERATOR: "node-operator",
    Role.REGISTRY_OFFICER: "registry",
    Role.SETTLEMENT_OFFICER: "settlement",
    Role.SETTLEMENT_APPROVER: "approver",
    Role.SITE: "site@de-a",
}
# Of works: what was known of them once, as they are when it is not asked.
KNOWN_ONCE = 'knownAt: "2026-01-01T00:00:00Z"'
OF_WORKS = {
    (name, role): [
        (f"{{ {name}({asked}, {KNOWN_ONCE}) {{ __typename }} }}", "NOT_ALLOWED"),
    ]
    for name, asked in {
        "works": "first: 1",
        "work": 'id: "W-1"',
        "worksAt": 'first: 1, url: "https://pub.example/"',
    }.items()
    for role in NARROWED
    if role not in MAY_READ_HISTORIES
}


def in_a_page(*nodes):
    return {"edges": [{"node": node} for node in nodes]}


def numbered(*numbers):
    return in_a_page(*({"number": number} for number in numbers))


def with_id(*ids):
    return in_a_page(*({"id": each} for each in ids))


# Whose clients each role sees and acts on (of both servers, or of a node's members), and one of
# somebody else, which does not exist for a lab or a member.
OF_BOTH = {
    Role.FEDERATION_OPERATOR: (["tool-1"], "LAB", '"lab-one"', "lab-1", "NOT_ALLOWED"),
    Role.LICENSING_OFFICER: (["lab-1", "lab-2"], "TOOL", "null", "tool-1", "NOT_ALLOWED"),
    Role.LAB: (["lab-2"], "LAB", '"lab-one"', "lab-1", "UNKNOWN_CLIENT"),
}
OF_A_NODE = {
    Role.REGISTRY_OFFICER: (["site-1", "site-2"], "LAB", '"lab-one"', "lab-1", "NOT_ALLOWED"),
    Role.NODE_OPERATOR: (
        ["site-1", "site-2", "tool-1"],
        "LAB",
        '"lab-one"',
        "lab-1",
        "NOT_ALLOWED",
    ),
    Role.MEMBER: (["site-1"], "SITE", '"de-b"', "site-2", "UNKNOWN_CLIENT"),
}
OF_THE_HUB = {  # it has no member sites, which none of these roles may then act on
    Role.REGISTRY_OFFICER: ([], "LAB", '"lab-one"', "lab-1", "NOT_ALLOWED"),
    Role.NODE_OPERATOR: (["tool-1"], "LAB", '"lab-one"', "lab-1", "NOT_ALLOWED"),
    Role.MEMBER: ([], "LAB", '"lab-one"', "lab-1", "NOT_ALLOWED"),
}


def about_clients(by_role):
    """Return the cells of the fields of clients: what is listed, and what is not acted on."""
    cells = {}
    for role, (seen, kind, party, other, refused) in by_role.items():
        cells["clients", role] = [(CLIENTS, with_id(*seen))]
        cells["issueClient", role] = [(ISSUE % (kind, party), "NOT_ALLOWED")]
        cells["addClientCredential", role] = [(ADD % other, refused)]
        cells["revokeClientCredential", role] = [(REVOKE_CREDENTIAL % other, refused)]
        cells["revokeClient", role] = [(REVOKE % other, refused)]
    return cells


WEBHOOKS = "{ webhooks { edges { node { id } } } }"
TOLD = '{ webhookDeliveries(webhook: "wh-1") { edges { node { id } } } }'
ON_WEBHOOKS = {
    **dict.fromkeys(
        ["pauseWebhook", "resumeWebhook", "endWebhook", "rotateWebhookSecret", "pingWebhook"],
        'webhook: "wh-1"',
    ),
    "changeWebhook": 'webhook: "wh-1", url: "https://9.9.9.9/", types: [PING]',
    "replayWebhookDelivery": 'delivery: "1"',
    "replayWebhook": 'webhook: "wh-1", since: "2026-09-01T00:00:00Z"',
}
KEEP_WEBHOOKS = [role for role in NARROWED if role in MAY_KEEP_WEBHOOKS]
OF_WEBHOOKS = {
    **{("webhooks", role): [(WEBHOOKS, in_a_page())] for role in KEEP_WEBHOOKS},
    **{("webhookDeliveries", role): [(TOLD, "UNKNOWN_WEBHOOK")] for role in KEEP_WEBHOOKS},
    **{
        (field, role): [
            (
                f"mutation {{ {field}({arguments}) {{ ... on Refused {{ code }} }} }}",
                "UNKNOWN_WEBHOOK",
            )
        ]
        for field, arguments in ON_WEBHOOKS.items()
        for role in KEEP_WEBHOOKS
    },
}
SITE_CODES = {
    ("issueSiteCode", Role.MEMBER): [(SITE_CODE, "NOT_ALLOWED")],
    ("withdrawSiteCode", Role.MEMBER): [(WITHDRAW_SITE_CODE, "BAD_SITE_CODE")],
}


CONFLICTS = "{ conflicts(first: 10) { edges { node { claim } } } }"
DISPUTES = "{ disputes(first: 10) { edges { node { id } } } }"
BETWEEN = "{ disputesBetween(first: 10) { edges { node { id } } } }"
BRING = """mutation { bringDisputeDocument(dispute: "D-000001", party: "de-b", document: {
  kind: CONTRACT, reference: "r", sha256: "0", territory: "WORLD", termFrom: "2026-01-01",
  signedOn: "2026-01-01"}) { ... on Refused { code } } }"""
CONSENT = """mutation { consentToOutcome(dispute: "D-000001", party: "de-b", reference: "r") {
  ... on Refused { code } } }"""
# Of a dispute in which it has no part a member hears nothing.
OF_DISPUTES = {
    ("disputes", Role.MEMBER): [(DISPUTES, in_a_page())],
    ("bringDisputeDocument", Role.MEMBER): [(BRING, "UNKNOWN_DISPUTE")],
    ("consentToOutcome", Role.MEMBER): [(CONSENT, "UNKNOWN_DISPUTE")],
}


def act_on(field, arguments, code):
    """Return the cell of an act on what is another member's, and what is said to it."""
    return {
        (field, Role.MEMBER): [
            (f'mutation {{ {field}({arguments}, reason: "x") {REFUSED_CODE} }}', code)
        ]
    }


REFUSED_CODE = "{ ... on Refused { code } }"
SINCE, OTHERS = 'on: "2026-09-01"', 'id: "de-b"'
A_CLAIM = 'claim: {address: "x.example", contentTier: "standard"}'
TERMS = 'terms: {contentTier: "standard"}, startsOn: "2026-09-01"'
A_SUCCESSION = (
    '{subject: "member:de-b", startsOn: "2026-09-01", ground: "x", declaredBy: "x",'
    ' capacity: "x", successors: [{member: "de-a", shareBps: 10000}], papers: []}'
)
NAMED = 'name: "X", country: "DE"'
A_RECORD = '{subject: "member:de-b", state: WITHHELD, declaredBy: "X"}'
OF_OTHER_MEMBERS = {
    ("member", Role.MEMBER): [('{ member(id: "de-b") { id } }', {"id": "de-a"})],
    ("optOuts", Role.MEMBER): [
        (
            '{ optOuts(first: 9, member: "de-b") { edges { node { subject } } } }',
            in_a_page({"subject": "news.example/de/private/"}),
        )
    ],
    ("consentRecords", Role.MEMBER): [
        ('{ consentRecords(first: 9, member: "de-b") { edges { node { id } } } }', in_a_page())
    ],
    ("proposals", Role.MEMBER): [
        ('{ proposals(first: 9, member: "de-b") { edges { node { id } } } }', in_a_page())
    ],
    **act_on("registerMember", f'id: "de-x", {NAMED}, joinedOn: "2026-09-01"', "NOT_ALLOWED"),
    **act_on("changeMember", f'{OTHERS}, {NAMED}, startsOn: "2026-09-01"', "NOT_ALLOWED"),
    **act_on("endMembership", f"{OTHERS}, {SINCE}", "NOT_ALLOWED"),
    **act_on("suspendMember", f"{OTHERS}, {SINCE}", "NOT_ALLOWED"),
    **act_on("reinstateMember", f"{OTHERS}, {SINCE}", "NOT_ALLOWED"),
    **act_on("correctJoining", f'{OTHERS}, joinedOn: "2026-09-01"', "NOT_ALLOWED"),
    **act_on("registerClaim", f'member: "de-b", {A_CLAIM}', "NOT_ALLOWED"),
    **act_on("endClaim", f'id: "of-de-b", {SINCE}', "UNKNOWN_CLAIM"),
    **act_on("changeClaim", f'id: "of-de-b", {TERMS}', "UNKNOWN_CLAIM"),
    **act_on("correctClaim", f'id: "of-de-b", {A_CLAIM}', "UNKNOWN_CLAIM"),
    **act_on("withdrawClaim", 'id: "of-de-b"', "UNKNOWN_CLAIM"),
    **act_on("recordOptOut", 'subject: "member:de-b", use: "*"', "NOT_ALLOWED"),
    **act_on("endOptOut", 'id: "99"', "UNKNOWN_OPT_OUT"),
    **act_on("recordConsent", f"record: {A_RECORD}", "NOT_ALLOWED"),
    **act_on("endConsent", 'id: "99"', "UNKNOWN_CONSENT_RECORD"),
    **act_on("correctConsent", f'id: "99", record: {A_RECORD}', "UNKNOWN_CONSENT_RECORD"),
    **act_on("withdrawConsent", 'id: "99"', "UNKNOWN_CONSENT_RECORD"),
    **act_on("proposeWorkChange", 'id: "W-1", work: {title: "X"}', "NOT_ALLOWED"),
    **act_on("proposeRightholderChange", 'id: "R-1", rightholder: {name: "X"}', "NOT_ALLOWED"),
    **act_on("withdrawProposal", 'id: "1"', "NO_REGISTRY_PROPOSAL"),
    ("successions", Role.MEMBER): [
        ('{ successions(first: 9, member: "de-b") { edges { node { id } } } }', in_a_page())
    ],
    **act_on("recordSuccession", f"succession: {A_SUCCESSION}", "NOT_ALLOWED"),
    **act_on("withdrawSuccession", 'id: "1"', "NOT_ALLOWED"),
}


# Each cell `o` and `p`: what is asked for that is another's or not in the part, and all that is
# said to it. `%s` in an act stands for the offer to lab-one.
NARROWER = {
    "hub": {
        **about_clients({**OF_BOTH, **OF_THE_HUB}),
        **OF_WEBHOOKS,
        ("billingDetails", Role.LAB): [(BILLING, in_a_page())],
        ("invoices", Role.LAB): [(INVOICES, in_a_page({"licence": "HUB-000002"}))],
        ("stateBillingDetails", Role.LAB): [(STATE_BILLING, "BAD_BILLING_DETAILS")],
        ("licenceUsage", Role.LAB): [(USAGE, in_a_page({"licensee": "lab-two"}))],
        ("coverage", Role.LAB): [
            (COVERAGE, {"items": [{"uses": [{"licences": [], "why": "OUTSIDE_GRANT"}]}]})
        ],
        ("licences", Role.LAB): [(LICENCES, numbered("HUB-000002"))],
        ("licence", Role.LAB): [(LICENCE % "HUB-000001", "UNKNOWN_LICENCE")],
        ("offers", Role.LAB): [(OFFERS, in_a_page({"licensee": "lab-two"}))],
        ("document", Role.LAB): [
            (DOCUMENT % "INV-HUB-000001", "UNKNOWN_DOCUMENT"),
            (DOCUMENT % "RUN-HUB-000001", "UNKNOWN_DOCUMENT"),
        ],
        ("acceptOffer", Role.LAB): [(ACCEPT, "UNKNOWN_OFFER")],
        ("mintToken", Role.LAB): [(MINT % "HUB-000001", "UNKNOWN_LICENCE")],
        ("mintTokens", Role.LAB): [(MINT_MANY % "HUB-000001", "UNKNOWN_LICENCE")],
        ("usesOf", Role.MEMBER): [(USES, {"recorded": False, "uses": []})],
        ("whyAmount", Role.MEMBER): [
            (WHY_MEMBER, "NOT_ALLOWED"),
            (WHY_PAYMENT, "NOT_ALLOWED"),
            (WHY_DOCUMENT % "FEE-HUB-000001", "NOT_ALLOWED"),
        ],
        ("documents", Role.LICENSING_OFFICER): [
            (
                DOCUMENTS,
                numbered(
                    "ADV-HUB-000001",
                    "ADV-HUB-000002",
                    "ADV-HUB-000003",
                    "FEE-HUB-000001",
                    "INV-HUB-000001",
                    "INV-HUB-000002",
                ),
            ),
            (OF_A_SERIES % "RUN", "NOT_ALLOWED"),
            (OF_A_SERIES % "PAY", "NOT_ALLOWED"),
        ],
        ("document", Role.LICENSING_OFFICER): [(DOCUMENT % "RUN-HUB-000001", "NOT_ALLOWED")],
        ("whyAmount", Role.LICENSING_OFFICER): [
            (WHY_MEMBER, "NOT_ALLOWED"),
            (WHY_PAYMENT, "NOT_ALLOWED"),
        ],
        ("conflicts", Role.MEMBER): [(CONFLICTS, in_a_page())],
        **OF_DISPUTES,
        ("workList", Role.REGISTRY_OFFICER): [(WORK_LIST, [])],
        ("workList", Role.FEDERATION_OPERATOR): [(WORK_LIST, [])],
        ("workList", Role.SETTLEMENT_OFFICER): [
            (
                WORK_LIST,
                [
                    {"kind": "payments"},
                    {"kind": "payments"},
                    {"kind": "conversion"},
                    {"kind": "conflict"},
                ],
            )
        ],
        ("workList", Role.SETTLEMENT_APPROVER): [
            (
                WORK_LIST,
                [
                    {"kind": "payments"},
                    {"kind": "payments"},
                    {"kind": "conversion"},
                    {"kind": "conflict"},
                ],
            )
        ],
        ("workList", Role.NODE_OPERATOR): [
            (WORK_LIST, [{"kind": "payments"}, {"kind": "payments"}, {"kind": "conversion"}])
        ],
    },
    "node": {
        **about_clients({**OF_BOTH, **OF_A_NODE}),
        **OF_WEBHOOKS,
        **SITE_CODES,
        **OF_WORKS,
        ("billingDetails", Role.LAB): [(BILLING, in_a_page())],
        ("invoices", Role.LAB): [(INVOICES, in_a_page({"licence": "HUB-000002"}))],
        ("stateBillingDetails", Role.LAB): [(STATE_BILLING, "UNKNOWN_LICENSEE")],
        ("licences", Role.LAB): [(LICENCES, numbered("HUB-000002"))],
        ("licence", Role.LAB): [(LICENCE % "DE-000001", "UNKNOWN_LICENCE")],
        ("offers", Role.LAB): [(OFFERS, in_a_page())],
        ("document", Role.LAB): [
            (DOCUMENT % "INV-DE-000001", "UNKNOWN_DOCUMENT"),
            (DOCUMENT % "STM-DE-000001", "UNKNOWN_DOCUMENT"),
        ],
        ("acceptOffer", Role.LAB): [(ACCEPT, "UNKNOWN_LICENSEE")],  # it buys nothing at DE
        ("mintToken", Role.LAB): [(MINT % "DE-000001", "UNKNOWN_LICENCE")],
        ("mintTokens", Role.LAB): [(MINT_MANY % "DE-000001", "UNKNOWN_LICENCE")],
        ("usesOf", Role.MEMBER): [(USES, {"recorded": False, "uses": []})],
        **OF_OTHER_MEMBERS,
        ("claims", Role.MEMBER): [
            (CLAIMS, in_a_page({"claim": "news.example/de/"}, {"claim": "twins.example/"}))
        ],
        ("workList", Role.REGISTRY_OFFICER): [(WORK_LIST, [{"kind": "conflict"}])],
        ("conflicts", Role.MEMBER): [(CONFLICTS, in_a_page({"claim": "twins.example/"}))],
        **OF_DISPUTES,
        ("disputesBetween", Role.MEMBER): [(BETWEEN, in_a_page())],
        ("memberStatement", Role.MEMBER): [(STATEMENT, {"member": "de-a"})],
        ("visits", Role.MEMBER): [(VISITS, in_a_page())],
        ("memberSites", Role.MEMBER): [(SITES, [{"site": "site-1"}])],
        ("visitDifferences", Role.MEMBER): [(DIFFERENCES, [])],
        ("whyAmount", Role.MEMBER): [
            (WHY_MEMBER, "NOT_ALLOWED"),
            (WHY_PAYMENT, "NOT_ALLOWED"),
            (WHY_DOCUMENT % "STM-DE-000001", "NOT_ALLOWED"),
        ],
        ("documents", Role.LICENSING_OFFICER): [
            (
                DOCUMENTS,
                numbered("ADV-HUB-000001", "FEE-HUB-000001", "INV-DE-000001", "STM-DE-000001"),
            ),
            (OF_A_SERIES % "RUN", "NOT_ALLOWED"),
            (OF_A_SERIES % "PAY", "NOT_ALLOWED"),
        ],
        ("document", Role.LICENSING_OFFICER): [(DOCUMENT % "RUN-HUB-000001", "UNKNOWN_DOCUMENT")],
        ("whyAmount", Role.LICENSING_OFFICER): [
            (WHY_MEMBER, "NOT_ALLOWED"),
            (WHY_PAYMENT, "NOT_ALLOWED"),
        ],
        ("workList", Role.FEDERATION_OPERATOR): [(WORK_LIST, [])],
        ("workList", Role.SETTLEMENT_OFFICER): [
            (WORK_LIST, [{"kind": "remittance"}, {"kind": "conflict"}])
        ],
        ("workList", Role.SETTLEMENT_APPROVER): [
            (WORK_LIST, [{"kind": "remittance"}, {"kind": "conflict"}])
        ],
        ("workList", Role.NODE_OPERATOR): [(WORK_LIST, [{"kind": "remittance"}])],
    },
}


@pytest.mark.parametrize("server", SERVERS)
def test_every_cell_that_leaves_something_out_says_what(server):
    narrow = {
        (field.name, caller)
        for field, marks in MARKS.items()
        for caller, mark in marks.items()
        if field.server == server and mark in {OWN, PART}
    }

    assert NARROWER[server].keys() == narrow


@in_one_loop
@on_one_database
@pytest.mark.parametrize("server", SERVERS)
async def test_who_asks_for_what_is_not_its_own_or_not_in_its_part_is_not_shown_it(settled, server):
    code, said, expected = SERVERS[server], [], []
    offers = await settled.at(code, "licensing").rows(
        "{ offers { edges { node { id licensee } } } }"
    )
    [offer] = [row["id"] for row in offers if row["licensee"] == "lab-one"]
    async with nothing_changes(settled, code):
        for (field, role), questions in NARROWER[server].items():
            for question, answer in questions:
                person = settled.at(code, NARROWED[role], role)
                document = ACCEPT % offer if question == ACCEPT else question
                heard = await tell(settled, code, person, document)
                shown = heard.code or heard.body["data"][field]
                if field == "claims":  # by id, which is random
                    shown["edges"].sort(key=lambda edge: edge["node"]["claim"])
                said.append((field, role, shown))
                expected.append((field, role, answer))

    assert said == expected
