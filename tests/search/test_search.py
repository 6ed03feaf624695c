"""A text is looked for in what one may see, by one statement a kind, and found by an index."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from federation.clients.tables import Client
from federation.history import search_store
from federation.history.kinds import Saying
from federation.months.tables import Run
from federation.search.kinds import SearchKind
from federation.search.service import look_for
from federation.search.sought import BadSearchError, read
from federation.trust.principals import Principal
from federation.values.roles import Role
from federation.works import service as works
from federation.works.work import DraftWork
from tests.banking.bank import Ntry, Tx, statement
from tests.banking.counter import set_up, take
from tests.databases import HUB_TERMS, a_party
from tests.payments.factories import a_payment
from tests.registry.registries import NOON, import_claims, import_members

NOW = datetime(2026, 10, 18, tzinfo=UTC)
RUN = "ab" * 32
DIRECTORIES = {
    "bank_account",
    "trust_party",
    "licensing_licensee",
    "clients_client",
    "people_person",
}
AUDITOR = Principal("ada", frozenset({Role.AUDITOR}))
LAB, OTHER_LAB = (Principal("x", frozenset({Role.LAB}), party) for party in ("lab-one", "lab-two"))
MEMBER = Principal("m", frozenset({Role.MEMBER}), "m1")
REGISTRY = Principal("rosa", frozenset({Role.REGISTRY_OFFICER}))


@pytest.fixture
async def kept(database):
    """What a server may keep of each kind."""
    await set_up(database, "100000")
    paid = Ntry("1234.50", txs=(Tx("1234.50", name="Lab One Ltd", text="thanks", e2e="E-1"),))
    await take(database, statement(paid, closing="1234.50"))
    async with database.write("test") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
        await a_payment(session, amount=123_450, currency="EUR")
        session.add(a_run())
        session.add(a_client())
    await import_members(database)
    await import_claims(database, "m1,news.example/de/1,standard,1,,,,")
    async with database.write("test.work") as session:
        work = DraftWork(title="Crème brûlée", addresses=["https://news.example/de/1"])
        saying = Saying("rosa", "a test", NOON)
        await works.acts_by(works.Rules("GB", ["standard"])).register(
            session, "W-1", work, starts_at=NOON, saying=saying
        )
    return database


def a_run():
    return Run(
        run_id=RUN,
        period="2026-09",
        state="APPROVED",
        document=b"{}",
        warnings="[]",
        calculated_by="olga",
        calculated_at=NOON,
        approved_by="anna",
    )


def a_client():
    return Client(
        client_id="c-1",
        kind="SITE",
        role="site",
        party="m1",
        name="Österreichs a%_gate",
        made_by="rosa",
        made_at=NOON,
    )


async def found(database, text, who=AUDITOR, here="GB", each=5):
    async with database.read() as session:
        groups = await look_for(session, read(text), each, who=who, here=here, now=NOW)
    return {group.kind.value: [hit.id for hit in group.hits] for group in groups}


async def test_each_kind_is_found_by_its_number_name_address_or_amount(kept):
    one = next(iter((await found(kept, "c-1"))["CLIENT"]))
    claim = (await found(kept, "news.example/de/1"))["CLAIM"]

    assert await found(kept, "hub-000001") == {"LICENCE": ["HUB-000001"]}
    assert await found(kept, "INV-HUB-000001") == {"DOCUMENT": ["INV-HUB-000001"]}
    assert await found(kept, RUN.upper()) == {"RUN": [RUN]}
    assert await found(kept, "1.234,50 EUR") == {
        "PAYMENT": ["PAY-2026-09-HUB-GB"],
        "BANK_ENTRY": ["1"],
    }
    assert await found(kept, "1") == {"BANK_STATEMENT": ["1"], "BANK_ENTRY": ["1"]}
    assert await found(kept, "E-1") == {"BANK_ENTRY": ["1"]}
    assert await found(kept, "LAB one") == {"LAB": ["lab-one"]}
    assert await found(kept, "creme bru") == {"WORK": ["GB:W-1"]}
    assert await found(kept, "https://NEWS.example/de/1") == {"WORK": ["GB:W-1"], "CLAIM": claim}
    assert await found(kept, "news.example") == {"CLAIM": claim}
    assert await found(kept, "news.example/de/1/more.html") == {"CLAIM": claim}
    assert await found(kept, "news.example/de/10") == {}
    assert await found(kept, "m1") == {"MEMBER": ["m1"], "CLIENT": [one]}
    assert (await found(kept, "%_g"), await found(kept, "%q%")) == ({"CLIENT": ["c-1"]}, {})
    for text in ("Österreich", "österreich"):
        assert await found(kept, text) == {"CLIENT": ["c-1"]}
    assert await found(kept, "gb") == {"PAYMENT": ["PAY-2026-09-HUB-GB"], "COLLECTIVE": ["GB"]}


async def test_a_work_that_was_corrected_is_found_by_its_words_among_many(kept, monkeypatch):
    monkeypatch.setattr(search_store, "FIRST", 1)
    acts, saying = works.acts_by(works.Rules("GB", ["standard"])), Saying("rosa", "a test", NOON)
    async with kept.write("test.work") as session:
        corrected = DraftWork(title="Crème brûlée, warm", addresses=["https://news.example/de/1"])
        span = {"starts_at": NOON, "ends_at": None}
        await acts.change(session, "W-1", corrected, **span, saying=saying)
    assert await found(kept, "creme bru") == {"WORK": ["GB:W-1"]}


async def test_what_one_may_not_see_is_not_found(kept):
    assert await found(kept, "gb", None) == {"COLLECTIVE": ["GB"]}
    for text in ("HUB-000001", "1.234,50 EUR", "news.example/de/1", "m1", "c-1", "creme"):
        assert await found(kept, text, None) == {}, text
    for who, seen in ((LAB, True), (OTHER_LAB, False)):
        assert bool(await found(kept, "HUB-000001", who)) is seen
        assert bool(await found(kept, "INV-HUB-000001", who)) is seen
        assert await found(kept, "1.234,50 EUR", who) == {}
    assert list(await found(kept, "news.example", MEMBER)) == ["CLAIM"]
    assert await found(kept, "news.example", Principal("n", frozenset({Role.MEMBER}), "m2")) == {}
    assert await found(kept, "HUB-000001", REGISTRY) == {}
    assert list(await found(kept, "m1", AUDITOR, here="HUB")) == ["CLIENT"]
    for each in (0, 21):
        with pytest.raises(BadSearchError):
            await found(kept, "gb", each=each)


async def test_a_search_asks_once_for_each_kind_and_reads_no_long_table_through(kept):
    async with kept.read() as session:
        connection, asked = await session.connection(), []

        def note(_connection, _cursor, text, values, *_):
            asked.append((text, values))

        event.listen(connection.sync_connection, "before_cursor_execute", note)
        for text, kinds in (
            ("news.example/a", len(SearchKind) - 1),  # statements of the bank have numbers alone
            ("1 EUR", len(SearchKind) - 1),
            ("1", len(SearchKind)),
        ):
            before = len(asked)
            await look_for(session, read(text), 5, who=AUDITOR, here="GB", now=NOW)
            assert len([each for each, _ in asked[before:] if not is_setting(each)]) == kinds
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        if not kept.is_sqlite:  # a short table is read through: not where anything else can be done
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for text, values in asked:
            if not is_setting(text):
                assert await read_through(connection, text, values) <= DIRECTORIES, text


def is_setting(text):
    return "set_config" in text


async def read_through(connection, text, values):
    """Return the tables of which a statement reads all there is, by the database's own plan."""
    if connection.dialect.name == "sqlite":
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        steps = [row[3] for row in plan if "VIRTUAL TABLE" not in row[3]]
        names = {step.split()[1] for step in steps if step.startswith("SCAN")}
        return {name for name in names if not name.startswith("anon_")}  # what was selected within
    plan = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", values)).scalar()
    return set(_read_by((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))


def _read_by(step):
    """Yield the tables that a step of PostgreSQL reads by no index, or asks of each row of."""
    is_led = {"Index Cond", "Recheck Cond"} & step.keys()
    if "Relation Name" in step and (not is_led or "SubPlan" in step.get("Filter", "")):
        yield step["Relation Name"]
    for each in step.get("Plans", []):
        yield from _read_by(each)
