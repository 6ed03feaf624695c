"""Every list that may be long comes in pages: one way, with bounds, and cursors of its own."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from graphql import get_named_type
from sqlalchemy import Date, LargeBinary, delete

from federation.accounts.tables import PersonInvitation
from federation.banking.tables import EntryComment, OverpaymentSetOff
from federation.bankstatements.tables import BankAccount, Entry, File, StatementRow
from federation.clients.tables import Client
from federation.counters import Counters
from federation.distribution.tables import StatedCredit
from federation.documents.tables import Document
from federation.federated.asking import Asker, no_call
from federation.ledger.tables import JournalEntry, LedgerHead
from federation.licensing.objects import OfferTerms
from federation.licensing.tables import BillingDetails, Licensee, Offer, Tariff
from federation.months.tables import Run
from federation.payments.tables import Payment
from federation.people.tables import AuditAct, PersonVersion
from federation.quotas import Quotas
from federation.registry.tables import Member
from federation.registryimports.tables import RegistryImport
from federation.scenario.client import nodes_of
from federation.schema import hub, node
from federation.schema.context import Context
from federation.store.base import BigCount, Instant
from federation.store.tables import ParkedMessage
from federation.suspense.tables import HeldClaim, HeldElsewhere, HeldListing
from federation.trust.principals import Principal
from federation.trust.tables import Application, Invitation, Suspension
from federation.values.cursors import cursor_of
from federation.values.roles import Role
from federation.visits.tables import VisitTotal
from federation.webhooks.tables import Delivery, Webhook
from tests.banking.counter import GB

SCHEMAS = {"hub": hub.schema, "node": node.schema}
NOW, TODAY = datetime(2026, 9, 1, 12, tzinfo=UTC), date(2026, 9, 1)
ALL_BUT = frozenset(Role) - {Role.LAB, Role.MEMBER, Role.SITE}
MORE = "pageInfo { hasNextPage endCursor }"

# What a list must be told beside its page, and where its page stands in what it answers.
ARGUMENTS = {
    "bankComments": 'entry: "1", ',
    "accountHistory": 'account: "Assets:HUB:Bank", currency: "EUR", ',
    "licenceUsage": 'period: "2026-09", ',
    "statedCredits": 'run: "r", ',
    "visits": 'member: "m-1", fromDay: "2026-08-01", toDay: "2026-09-01", ',
    "webhookDeliveries": 'webhook: "wh-a", ',
    "worksAt": 'url: "https://pub.example/", ',
}
WITHIN = {"accountHistory": "moves", "trialBalance": "accounts"}


def lists(role):
    """Return the lists at the root of a schema."""
    fields = SCHEMAS[role]._schema.query_type.fields
    return [name for name, found in fields.items() if "first" in found.args]


def document(name, page, asked="edges { cursor }"):
    within = WITHIN.get(name)
    shown = f"{{ {within} {{ {asked} }} }}" if within else f"{{ {asked} }}"
    return f"{{ {name}({ARGUMENTS.get(name, '')}{page}) {shown} }}"


async def ask(server, role, question):
    """Return what is answered and the codes of what is refused."""
    who = Principal("asker", ALL_BUT, party=None)
    context = Context(server=server, principal=who, asker="asker")
    result = await SCHEMAS[role].execute(question, context_value=context)
    return result.data, [error.extensions["code"] for error in result.errors or ()]


def a_server(database=None):
    """Return what resolvers reach; without a database whatever reads is a failure."""
    return SimpleNamespace(
        db=database,
        code="GB",
        clock=lambda: NOW,
        quotas=Quotas(),
        asker=Asker(no_call),
        country=None,
        pepper=SimpleNamespace(seal=lambda text: sha256(b"secret" + text).digest()),
        counters=Counters(),
    )


@pytest.mark.parametrize("role", SCHEMAS)
def test_every_list_is_paged_one_way(role):
    types = SCHEMAS[role]._schema.type_map
    paged = set()
    for kind in types.values():
        for name, found in getattr(kind, "fields", {}).items():
            arguments = getattr(found, "args", {})
            assert not {"skip", "offset", "last", "before"} & arguments.keys(), name
            assert name != "next", kind
            if "first" not in arguments:
                continue
            within = get_named_type(found.type)
            page = within.fields[WITHIN[name]].type if name in WITHIN else found.type
            paged.add(str(page))
            assert str(page).endswith("Connection!"), name
            assert (str(arguments["first"].type), str(arguments["after"].type)) == (
                "Int!",
                "String",
            )
    assert paged == {f"{name}!" for name in types if name.endswith("Connection")}


@pytest.mark.parametrize("role", SCHEMAS)
async def test_a_page_of_none_or_of_too_many_is_refused(role):
    for name in lists(role):
        for first in (-1, 0, 101, 2**31 - 1):
            heard = await ask(a_server(), role, document(name, f"first: {first}"))
            assert heard == (None, ["BAD_PAGE"]), (name, first)


@pytest.mark.parametrize("role", SCHEMAS)
async def test_a_cursor_of_no_list_or_of_another_is_refused(role):
    keys = [(1,), ("x",), ("x", "x"), ("2026-09",), (TODAY, "x", "x", True)]
    for name in lists(role):
        forged = [
            *(cursor_of("another", key) for key in keys),
            *(cursor_of(name, key) for key in [(), (None,), (2**63,), ("\0",), (1, 1, 1, 1, 1)]),
            "!",
            "1",
        ]
        for cursor in forged:
            heard = await ask(a_server(), role, document(name, f'first: 1, after: "{cursor}"'))
            assert heard == (None, ["BAD_CURSOR"]), (name, cursor)


@dataclass
class Listed:
    """A list, a row of it by a number in its order, and what is shown of the row."""

    name: str
    model: Any
    shown: str
    of: Any  # {number: what the row holds}
    role: str = "hub"
    is_newest_first: bool = False
    terms: dict[str, Any] = field(default_factory=dict)


def by_id(name, model, shown="id", **rest):
    newest, role = rest.pop("is_newest_first", False), rest.pop("role", "hub")
    return Listed(name, model, shown, lambda n: {"id": n}, role, newest, rest)


TERMS = msgspec.json.encode(OfferTerms("lab", [], "EUR", TODAY, TODAY, "site")).decode()
OFFER = {
    "kind": "INDIVIDUAL",
    "state": "OFFERED",
    "licensee": "lab",
    "body": TERMS,
    "lines": "null",
}
PAID = {"kind": "MEMBER", "state": "PROPOSED", "currency": "EUR", "period": "2026-09"}
LISTED = [
    by_id(
        "applications",
        Application,
        state="APPLIED",
        jwk="{}",
        terms=msgspec.json.encode(GB).decode(),
        is_newest_first=True,
    ),
    Listed(
        "invitations",
        Invitation,
        "note",
        lambda n: {"id": n, "note": f"{n}", "digest": f"{n}"},
        is_newest_first=True,
    ),
    by_id("suspensions", Suspension, act="SUSPEND", state="WITHDRAWN", is_newest_first=True),
    Listed(
        "offers",
        Offer,
        "id",
        # Two of one instant: their ids say which comes first.
        lambda n: {"id": f"{n}", "offered_at": NOW + timedelta(hours=n // 2)},
        is_newest_first=True,
        terms=OFFER,
    ),
    Listed(
        "runs",
        Run,
        "runId",
        lambda n: {"id": n, "run_id": f"{n}"},
        is_newest_first=True,
        terms={"warnings": "[]", "period": "2026-09", "state": "WITHDRAWN"},
    ),
    Listed("journal", JournalEntry, "id", lambda n: {"id": n, "document": f"{n}", "hash": f"{n}"}),
    Listed(
        "periodHeads",
        LedgerHead,
        "period",
        lambda n: {"period": f"2026-{n:02}"},
        is_newest_first=True,
    ),
    Listed("payments", Payment, "id", lambda n: {"payment_id": f"{n:02}"}, terms=PAID),
    Listed(
        "documents",
        Document,
        "number",
        lambda n: {"number": f"{n:02}", "subject": f"{n}"},
        terms={"series": "INV"},
    ),
    Listed("heldClaims", HeldClaim, "id", lambda n: {"id": f"{n:02}"}, terms={"state": "FILED"}),
    Listed(
        "heldElsewhere",
        HeldElsewhere,
        "id",
        lambda n: {"id": n, "url_digest": f"{n}"},
        terms={"reason": "UNMATCHED", "currency": "EUR"},
    ),
    by_id("heldList", HeldListing, role="node", reason="UNMATCHED"),
    by_id(
        "setOffs",
        OverpaymentSetOff,
        is_newest_first=True,
        kind="INVOICE",
        state="PROPOSED",
        currency="EUR",
    ),
    Listed(
        "parkedMessages",
        ParkedMessage,
        "id",
        lambda n: {"id": n, "sequence": n},
        terms={"state": "PARKED"},
    ),
    by_id("statedCredits", StatedCredit, role="node", run_id="r"),
    Listed(
        "auditLog",
        AuditAct,
        "number",
        lambda n: {"number": n, "hash": f"{n}", "previous": f"{n}"},
        is_newest_first=True,
        terms={"detail": "{}"},
    ),
    Listed(
        "clients",
        Client,
        "id",
        lambda n: {"client_id": f"{n:02}"},
        terms={"kind": "LAB", "role": "lab"},
    ),
    Listed(
        "webhooks",
        Webhook,
        "id",
        lambda n: {"id": f"{n:02}"},
        terms={"role": "lab", "types": "[]", "state": "ENDED"},
    ),
    Listed(
        "webhookDeliveries",
        Delivery,
        "id",
        lambda n: {"id": n, "event": f"{n}"},
        is_newest_first=True,
        terms={"webhook": "wh-a", "type": "ping", "state": "FAILED"},
    ),
    Listed(
        "people",
        PersonVersion,
        "id",
        lambda n: {"id": n, "subject": f"{n}", "small": f"{n}", "capital": f"{n}"},
        terms={"roles": "[]"},
    ),
    Listed(
        "personInvitations",
        PersonInvitation,
        "id",
        lambda n: {"id": n, "first": f"{n}"},
        terms={"expires_at": NOW + timedelta(1)},
    ),
    Listed(
        "visits",
        VisitTotal,
        "agent",
        lambda n: {"agent": f"{n:02}"},
        role="node",
        terms={"member": "m-1", "outcome": "SERVED", "let_through": False},
    ),
]
LISTED.append(
    Listed(
        "registryImports",
        RegistryImport,
        "id",
        lambda n: {"import_id": f"{n}", "started_at": NOW + timedelta(hours=n // 2)},
        role="node",
        is_newest_first=True,
        terms={
            "kind": "works",
            "format": "csv",
            "state": "DONE",
            "on_conflict": "refuse",
            "rows": 5,  # one of each verdict
        },
    )
)
LISTED.append(
    Listed(
        "billingDetails",
        BillingDetails,
        "statedBy",
        lambda n: {"id": n, "stated_by": f"{n}", "superseded_at": NOW},
        is_newest_first=True,
        terms={
            "licensee": "lab",
            "body": '{"name": "A", "street": "1 Road", "city": "Bonn", "country": "DE"}',
        },
    )
)
LISTED.append(
    Listed(
        "bankComments",
        EntryComment,
        "number",
        lambda n: {"number": n},
        terms={"entry_id": 1},
    )
)
LISTED.append(
    Listed(
        "tariffs",
        Tariff,
        "version",
        lambda n: {"version": n},
        is_newest_first=True,
        terms={"body": '{"currency": "EUR", "per_1000": {}, "minimum_fee": 0}'},
    )
)
LISTED += [Listed(**{**vars(LISTED[3]), "name": "individualAgreements"})]


def a_row(model, **given):
    """Return a row of which nothing is said that a list does not need."""
    for column in model.__table__.columns:
        if column.key in given or column.nullable or column.default or column.server_default:
            continue
        given[column.key] = _anything(column.type)
    return model(**given)


def _anything(kind):
    if isinstance(kind, Instant):
        return NOW
    if isinstance(kind, BigCount):
        return 1
    if isinstance(kind, Date):
        return TODAY
    if isinstance(kind, LargeBinary):
        return b"{}"
    return {int: 1, bool: False}.get(kind.python_type, "x")


async def add(database, listed, *numbers):
    async with database.write("test") as session:
        if listed.model in {Offer, BillingDetails} and await session.get(Licensee, "lab") is None:
            session.add(Licensee(id="lab", name="Lab", registered_at=NOW))
            await session.flush()
        if listed.model is Delivery and await session.get(Webhook, "wh-a") is None:
            hook = {"id": "wh-a", "role": "lab", "types": "[]", "state": "ENDED"}
            session.add(a_row(Webhook, **hook))
            await session.flush()
        if listed.model is VisitTotal and await session.get(Member, "m-1") is None:
            session.add(a_row(Member, member_id="m-1"))
        if listed.model is EntryComment and await session.get(Entry, 1) is None:
            for parent in (
                a_row(BankAccount, id=1, scheme="IBAN"),
                a_row(File, sha256="f"),
                a_row(StatementRow, id=1, account_id=1, file="f"),
                a_row(Entry, id=1, account_id=1, statement_id=1, state="OPEN", direction="CREDIT"),
            ):
                session.add(parent)
                await session.flush()
        session.add_all(
            a_row(listed.model, **listed.terms, **listed.of(number)) for number in numbers
        )


async def test_what_is_written_between_two_pages_moves_nothing(database):
    """Rows are read two at a time; of those that come meanwhile some belong before, some behind."""
    server = a_server(database)
    for listed in LISTED:
        asked = f"edges {{ node {{ {listed.shown} }} cursor }} {MORE}"
        page = partial(page_of, server, listed, asked)
        await add(database, listed, 3, 5, 7, 9)

        first = await page("")
        await add(database, listed, 2, 4, 6, 8, 10)
        rest, found = first, nodes_of(first)
        while rest["pageInfo"]["hasNextPage"] and len(found) < 20:  # a list may not end
            rest = await page(f', after: "{rest["pageInfo"]["endCursor"]}"')
            found += nodes_of(rest)
        behind_one = await page(f', after: "{first["edges"][0]["cursor"]}"')

        up, down = [3, 5, 6, 7, 8, 9, 10], [9, 7, 6, 5, 4, 3, 2]
        numbers = down if listed.is_newest_first else up
        assert [number_in(listed, one) for one in found] == numbers, listed.name
        second = 8 if listed.is_newest_first else 4  # it came meanwhile, between the two shown
        assert number_in(listed, nodes_of(behind_one)[0]) == second, listed.name
        if listed.model is Offer:  # two lists are of offers
            async with database.write("test") as session:
                await session.execute(delete(Offer))


async def page_of(server, listed, asked, more):
    data, refused = await ask(server, listed.role, document(listed.name, f"first: 2{more}", asked))
    assert refused == [], listed.name
    return data[listed.name]


def number_in(listed, one):
    return int(str(one[listed.shown])[-2:].lstrip("-"))
