"""The one history of hub and node, upwards and downwards, on both backends."""

import json
import re
import time
from contextlib import nullcontext
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from federation.ledger.tables import JournalEntry, JournalPosting
from federation.store import migrations
from federation.store.base import Base
from federation.store.inbox import PART_BYTES
from tests.databases import contents, on_connection, refused


@pytest.fixture
async def migrated_url(backend):
    """The address of a database that went the whole way up."""
    async with backend.url(migrated=True) as url:
        yield url


def ours():
    """Name the tables of this code; the history has imported them all by then."""
    return set(Base.metadata.tables)


def tables(connection):
    """Name the tables, but for those that SQLite keeps its full-text indexes in."""
    names = inspect(connection).get_table_names()
    return {name for name in names if "_version_words" not in name}


def routines(connection):
    """Name the triggers and functions that are not the backend's own."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if connection.dialect.name == "postgresql":
        query = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    return set(connection.scalars(text(query)))


async def test_upgrading_an_empty_database_makes_the_tables_of_this_code(empty_url):
    assert await on_connection(empty_url, migrations.current_revision) is None
    assert await on_connection(empty_url, tables) == set()

    await on_connection(empty_url, migrations.upgrade)

    await on_connection(empty_url, migrations.check)  # raises on any difference
    assert await on_connection(empty_url, tables) == {*ours(), "alembic_version"}
    assert await on_connection(empty_url, migrations.current_revision) == migrations.head_revision()


async def test_upgrading_again_changes_nothing(migrated_url):
    await on_connection(migrated_url, migrations.upgrade)

    await on_connection(migrated_url, migrations.check)


async def test_downgrading_to_base_leaves_nothing_and_the_way_up_stays_open(migrated_url):
    await on_connection(migrated_url, migrations.downgrade)

    assert await on_connection(migrated_url, tables) == {"alembic_version"}
    assert await on_connection(migrated_url, routines) == set()
    assert await on_connection(migrated_url, migrations.current_revision) is None

    await on_connection(migrated_url, migrations.upgrade)

    await on_connection(migrated_url, migrations.check)
    assert await on_connection(migrated_url, tables) == {*ours(), "alembic_version"}


def test_the_history_is_one_line():
    config = Config()
    config.set_main_option("script_location", str(migrations.migrations_folder()))
    scripts = ScriptDirectory.from_config(config)
    line = list(scripts.walk_revisions())

    assert scripts.get_heads() == [migrations.head_revision()]
    assert [script.down_revision for script in line] == [s.revision for s in line[1:]] + [None]


def ran(*statements):
    """Return what runs some statements on a connection."""

    def act(connection):
        for statement in statements:
            connection.execute(text(statement))

    return act


def answer(query):
    return lambda connection: [tuple(row) for row in connection.execute(text(query))]


A_DEBIT = """INSERT INTO settlement_set_off (node, document, period, amount, cleared, currency,
  recorded_on, licensor, cleared_currency)
  VALUES ('FR', 'd', '2026-09', '5', '4', 'EUR', '2026-10-01', 'GB', 'GBP')"""
A_SET_OFF = """INSERT INTO bank_set_off (overpayment, kind, ref, amount, debt, currency, reason,
  state, proposed_by, proposed_at, decided_by)
  VALUES ('OP-1-1', 'INVOICE', 'GB-000001', '5', '5', 'GBP', 'r', '{state}', 'ann', 1, {by})"""
AN_UNDONE = """INSERT INTO bank_set_off (overpayment, kind, ref, amount, debt, currency, reason,
  state, proposed_by, proposed_at, decided_by, undo_proposed_by, undone_by)
  VALUES ('OP-1-1', 'INVOICE', 'GB-000001', '5', '5', 'GBP', 'r', '{state}', 'ann', 1, 'bob',
    {maker}, {checker})"""
A_PAYMENT = """INSERT INTO settlement_payment (payment_id, run_id, period, payer, payee, amount,
  currency, state, taken_as_paid, proposed_by, approved_by)
  VALUES ('P', 'r', '2026-09', 'GB', 'HUB', '9', 'GBP', 'REJECTED', '{taken}',
    {maker}, {checker})"""
AN_OLD_DECISION = """INSERT INTO settlement_pay_ahead (period, reason, proposed_by, proposed_at,
  confirmed_by, confirmed_at) VALUES ('2026-09', 'r', 'ann', 1, 'bob', 2)"""
AN_OWN_KEY = """INSERT INTO trust_own_key (purpose, kid, jwk, private, state, made_at)
  VALUES ('TOKEN', 'k', '{}', 'p', 'ACTIVE', 1)"""
TOKENS_ENDED = "INSERT INTO accounts_tokens_ended (person, at) VALUES ('ann', {})"
BEFORE_PARTS = "0029"
BEFORE_DAYS = "0030"
ROOT = Path(__file__).resolve().parents[2]
ENV = ROOT / "migrations" / "env.py"
A_PROPOSAL = """INSERT INTO proposals_proposal (kind, act, reason, proposed_by, by_member,
  proposed_at, expires_at, outcome, decided_by, decided_at)
  VALUES ('END_CLAIM', '{{}}', 'x', 'ann', false, 0, 1, {outcome}, {checker}, {at})"""
A_PARKED = """INSERT INTO store_parked (sender, sender_code, entity_id, stream, sequence, kind,
  size, state, code, reason, received_at, attempts, drop_proposed_by, decided_by)
  VALUES ('s', 'GB', 'e', 'x', 1, 'k', 0, '{state}', 'C', 'r', 1, 0, {maker}, {checker})"""


@pytest.mark.parametrize(
    ("back_to", "statement", "count"),
    [
        ("0011", A_DEBIT, "SELECT count(*) FROM settlement_set_off"),
        (
            "0011",
            A_SET_OFF.format(state="APPROVED", by="'bob'"),
            "SELECT count(*) FROM bank_set_off WHERE state = 'APPROVED'",
        ),
        (
            "0020",
            AN_UNDONE.format(state="APPROVED", maker="'ann'", checker="NULL"),
            "SELECT count(*) FROM bank_set_off WHERE undo_proposed_by = 'ann'",
        ),
        (
            "0017",
            A_PAYMENT.format(taken="3", maker="'ann'", checker="'bob'"),
            "SELECT count(*) FROM settlement_payment WHERE taken_as_paid = '3'",
        ),
        ("0023", AN_OWN_KEY, "SELECT count(*) FROM trust_own_key"),
        (
            "0026",
            (
                "INSERT INTO settlement_payment (payment_id, run_id, period, payer, payee, amount,"
                " currency, state, used_otherwise)"
                " VALUES ('P', 'r', '2026-09', 'GB', 'HUB', '9', 'GBP', 'BOOKED', '3')"
            ),
            "SELECT count(*) FROM settlement_payment WHERE used_otherwise = '3'",
        ),
    ],
)
async def test_what_older_code_would_misread_is_not_downgraded(
    migrated_url, back_to, statement, count
):
    await on_connection(migrated_url, ran(statement))

    with pytest.raises(RuntimeError):
        await on_connection(migrated_url, lambda found: migrations.downgrade(found, back_to))

    assert await on_connection(migrated_url, migrations.current_revision) > back_to
    assert await on_connection(migrated_url, answer(count)) == [(1,)]


def into_a_left_net(payment_id, run, *, is_left=True):
    """Write down, as an older release did, a payment of 9 of which 3 are taken as paid."""
    values = f"'{payment_id}', '{run}', '2026-09', 'GB', 'HUB', '9', 'GBP', 'BOOKED', '3'"
    yield (
        "INSERT INTO settlement_payment (payment_id, run_id, period, payer, payee, amount,"
        f" currency, state, taken_as_paid) VALUES ({values})"
    )
    if is_left:
        yield (
            "INSERT INTO settlement_payment_event (payment_id, state, at, who, reference)"
            f" VALUES ('{payment_id}', 'EXPORTED', 1, 'HUB', 'excluded/2026-09/GB')"
        )


def heard(run, state=None):
    """Write down that the hub said of a run's net what becomes of money, and whether it parked."""
    yield (
        "INSERT INTO store_inbox (sender, stream, sequence, kind, digest, received_at)"
        f" VALUES ('s', 'run/{run}', 1, 'net.returned', 'd', 1)"
    )
    if state is not None:
        yield (
            "INSERT INTO store_parked (sender, sender_code, entity_id, stream, sequence, kind,"
            " body, state, code, reason, received_at, attempts)"
            f" VALUES ('s', 'HUB', 'e', 'run/{run}', 1, 'net.returned', '', '{state}', 'C', 'r',"
            " 1, 1)"
        )


async def test_what_was_used_otherwise_is_told_apart_from_what_was_taken_as_paid(at_revision):
    url = await at_revision("0026")
    statements = [
        *into_a_left_net("USED", "handled"),
        *heard("handled"),
        *into_a_left_net("RETRIED", "done"),
        *heard("done", "DONE"),
        *into_a_left_net("PARKED", "parked"),
        *heard("parked", "PARKED"),
        *into_a_left_net("SILENT", "silent"),
        *into_a_left_net("STANDS", "handled", is_left=False),
    ]
    await on_connection(url, ran(*statements))

    await on_connection(url, migrations.upgrade)

    kept = (
        "SELECT payment_id, taken_as_paid, used_otherwise FROM settlement_payment"
        " ORDER BY payment_id"
    )
    assert await on_connection(url, answer(kept)) == [
        ("PARKED", "3", "0"),
        ("RETRIED", "0", "3"),
        ("SILENT", "3", "0"),
        ("STANDS", "3", "0"),
        ("USED", "0", "3"),
    ]


async def test_bodies_of_parked_messages_are_cut_into_parts_and_put_together_again(at_revision):
    url = await at_revision(BEFORE_PARTS)
    body = "x" * (PART_BYTES + 1)
    blob = "BLOB" if url.startswith("sqlite") else "BYTEA"
    parked = (
        "INSERT INTO store_parked (sender, sender_code, entity_id, stream, sequence, kind, body,"
        " state, code, reason, received_at, attempts) VALUES"
        f" ('s', 'GB', 'e', 'a', 1, 'k', CAST('{body}' AS {blob}), 'PARKED', 'C', 'r', 1, 1),"
        f" ('s', 'GB', 'e', 'b', 1, 'k', CAST('' AS {blob}), 'DONE', 'C', 'r', 1, 1)"
    )
    await on_connection(url, ran(parked))

    await on_connection(url, migrations.upgrade)
    cut = await on_connection(
        url,
        answer("SELECT message_id, part, length(content) FROM store_parked_part ORDER BY 1, 2"),
    )
    sizes = await on_connection(url, answer("SELECT size FROM store_parked ORDER BY id"))
    await on_connection(url, lambda found: migrations.downgrade(found, BEFORE_PARTS))
    whole = await on_connection(url, answer("SELECT body FROM store_parked ORDER BY id"))

    assert cut == [(1, 0, PART_BYTES), (1, 1, 1)]
    assert sizes == [(PART_BYTES + 1,), (0,)]
    assert [bytes(content) for (content,) in whole] == [body.encode(), b""]


async def test_lines_that_were_there_before_are_counted_by_day(at_revision):
    noon, half_a_day = 1_789_387_200_000_000, 43_200_000_000  # 2026-09-14T12:00:00Z
    instants = [noon, noon + half_a_day - 1, noon + half_a_day, noon - half_a_day]
    lines = (
        "INSERT INTO metering_line (reporter, event_id, licence, url, use, units, occurred_at,"
        " period, source) VALUES"
        f" ('site:a', '{number}', 'L', 'u', 'TRAIN', 1, {at}, '2026-09', 'site')"
        for number, at in enumerate(instants)
    )
    url = await at_revision(BEFORE_DAYS)
    await on_connection(url, ran(*lines))

    await on_connection(url, migrations.upgrade)
    counted = await on_connection(
        url,
        answer("SELECT reporter, CAST(day AS VARCHAR), lines FROM metering_day ORDER BY 2"),
    )

    assert counted == [("site:a", "2026-09-14", 3), ("site:a", "2026-09-15", 1)]


async def test_licences_of_before_have_the_days_that_they_say(at_revision):
    term = {"starts_on": "2026-09-01", "ends_on": "2026-12-31"}
    bodies = [{"term": term}, {"term": term, "ended_on": "2026-10-05"}]
    licences = (
        "INSERT INTO licensing_licence (number, version, licensor, licensee, status, body, signed,"
        f" accepted_at) VALUES ('L-{number}', 1, 'HUB', 'lab', 'ACTIVE', '{json.dumps(body)}', '',"
        " 1)"
        for number, body in enumerate(bodies)
    )
    url = await at_revision("0030")
    await on_connection(url, ran(*licences))

    await on_connection(url, migrations.upgrade)

    days = "CAST(starts_on AS VARCHAR), CAST(ends_on AS VARCHAR)"
    assert await on_connection(
        url, answer(f"SELECT {days} FROM licensing_licence ORDER BY number")
    ) == [("2026-09-01", "2026-12-31"), ("2026-09-01", "2026-10-05")]


async def test_lines_of_before_rest_on_a_gate(at_revision):
    total = (
        "INSERT INTO metering_total (period, licence, url_key, url_digest, use, verdict, member,"
        " lines, units) VALUES ('2026-09', 'HUB-000001', 'a.example/', 'd', 'TRAIN', 'MATCHED',"
        " 'anna', 3, '30')"
    )
    line = (
        "INSERT INTO {} VALUES ('r', 'e-1', 'HUB-000001', 'https://a.example/', 'TRAIN', 1, 1,"
        " '2026-09', {})"
    )
    routed = line.format("metering_routed_line", "NULL").replace("('r'", "('FR', 'r'")
    url = await at_revision("0030")
    entered = line.format("metering_line", "'site', NULL, NULL")
    for statement in (total, entered, routed):
        await on_connection(url, ran(statement))

    await on_connection(url, migrations.upgrade)

    for table in ("metering_line", "metering_routed_line"):
        found = await on_connection(url, answer(f"SELECT event_id, known_by FROM {table}"))
        assert found == [("e-1", "GATE")]
    found = await on_connection(
        url, answer("SELECT lines, token_logged, agent_logged FROM metering_total")
    )
    assert found == [(3, 0, 0)]
    await on_connection(url, lambda found: migrations.downgrade(found, "0030"))
    assert await on_connection(url, answer("SELECT lines FROM metering_total")) == [(3,)]


async def test_an_older_decision_to_pay_ahead_covers_nothing_and_is_not_downgraded(at_revision):
    url = await at_revision("0016")
    await on_connection(url, ran(AN_OLD_DECISION))

    await on_connection(url, migrations.upgrade)

    kept = "SELECT id, period, remittances, proposed_by, confirmed_by FROM settlement_pay_ahead"
    of_it = [(1, "2026-09", "[]", "ann", "bob")]
    assert await on_connection(url, answer(kept)) == of_it
    with pytest.raises(RuntimeError):
        await on_connection(url, lambda found: migrations.downgrade(found, "0016"))
    assert await on_connection(url, answer(kept)) == of_it


@pytest.mark.parametrize(
    "statement",
    [
        A_SET_OFF.format(state="APPROVED", by="NULL"),
        A_SET_OFF.format(state="APPROVED", by="'ann'"),
        A_SET_OFF.format(state="ANOTHER", by="'bob'"),
        A_SET_OFF.format(state="UNDONE", by="'ann'"),
        AN_UNDONE.format(state="UNDONE", maker="'ann'", checker="NULL"),
        AN_UNDONE.format(state="UNDONE", maker="NULL", checker="'bob'"),
        AN_UNDONE.format(state="UNDONE", maker="'ann'", checker="'ann'"),
        A_PAYMENT.format(taken="0", maker="NULL", checker="'bob'"),
        A_PAYMENT.format(taken="0", maker="'ann'", checker="'ann'"),
        A_PARKED.format(state="DROPPED", maker="NULL", checker="'bob'"),
        A_PARKED.format(state="DROPPED", maker="'ann'", checker="NULL"),
        A_PARKED.format(state="DROPPED", maker="'ann'", checker="'ann'"),
        A_PROPOSAL.format(outcome="'CONFIRMED'", checker="'ann'", at="0"),
        A_PROPOSAL.format(outcome="'CONFIRMED'", checker="NULL", at="0"),
        A_PROPOSAL.format(outcome="NULL", checker="'bob'", at="NULL"),
    ],
)
async def test_the_database_wants_two_people_by_name(database, statement):
    await refused(database, DBAPIError, lambda session: session.execute(text(statement)))


@pytest.mark.parametrize(
    "statement",
    [
        A_SET_OFF.format(state="APPROVED", by="'bob'"),
        A_SET_OFF.format(state="PROPOSED", by="NULL"),
        AN_UNDONE.format(state="APPROVED", maker="'ann'", checker="NULL"),
        AN_UNDONE.format(state="UNDONE", maker="'ann'", checker="'bob'"),
        A_PAYMENT.format(taken="0", maker="'ann'", checker="'bob'"),
        A_PAYMENT.format(taken="0", maker="NULL", checker="NULL"),
        A_PARKED.format(state="DROPPED", maker="'ann'", checker="'bob'"),
        A_PROPOSAL.format(outcome="'CONFIRMED'", checker="'bob'", at="0"),
        A_PROPOSAL.format(outcome="'WITHDRAWN'", checker="'ann'", at="0"),
        A_PROPOSAL.format(outcome="NULL", checker="NULL", at="NULL"),
    ],
)
async def test_the_database_takes_what_two_people_did(database, statement):
    async with database.write("test") as session:
        await session.execute(text(statement))


@pytest.fixture
async def books(database):
    async with database.write("test") as session:
        session.add(JournalEntry(posted_on=date(2026, 9, 1), document="d", narration="n"))
        await session.flush()
        session.add(
            JournalPosting(
                entry_id=1,
                debit="Assets:HUB:Bank",
                credit="Liabilities:HUB:Unearned",
                amount=1,
                currency="EUR",
                meta="{}",
            )
        )
    return database


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement_entry SET narration = 'another'",
        "DELETE FROM settlement_entry WHERE id NOT IN (SELECT entry_id FROM settlement_posting)",
        "UPDATE settlement_posting SET amount = '2'",
        "DELETE FROM settlement_posting",
    ],
)
async def test_the_journal_takes_no_change_and_no_deletion(books, statement):
    async with books.write("test") as session:
        session.add(JournalEntry(posted_on=date(2026, 9, 2), document="alone", narration="n"))

    await refused(books, DBAPIError, lambda session: session.execute(text(statement)))

    assert len((await contents(books))["settlement_entry"]) == 2


@pytest.mark.parametrize(("spare", "stands_at"), [(-60, "0029"), (60, "0028")])
async def test_tokens_that_were_ended_do_not_count_again(at_revision, spare, stands_at):
    """A token lives half a day: for as long as one may, older code does not come back."""
    url = await at_revision("0029")
    ended_at = int((time.time() - 12 * 3_600 - spare) * 1_000_000)
    await on_connection(url, ran(TOKENS_ENDED.format(ended_at)))

    refusal = pytest.raises(RuntimeError, match="tokens were ended")
    with refusal if stands_at == "0029" else nullcontext():
        await on_connection(url, lambda found: migrations.downgrade(found, "0028"))

    assert await on_connection(url, migrations.current_revision) == stands_at


async def test_claims_that_several_held_before_are_noted(at_revision):
    members = (
        "INSERT INTO registry_member (member_id, name, country, joined_on, account_scheme)"
        f" VALUES ('{member}', 'x', 'DE', '2025-01-01', 'IBAN')"
        for member in "ab"
    )
    held = [("1", "a", "/", "NULL"), ("2", "b", "/", "NULL"), ("3", "a", "/x", "NULL")]
    held += [("4", "b", "/x", "5"), ("5", "a", "/y", "NULL"), ("6", "a", "/y", "NULL")]
    claims = (
        "INSERT INTO registry_claim (claim_id, member_id, host, path, wildcard, content_tier,"
        f" works, rules, superseded_at) VALUES ('{number}', '{member}', 'h.example', '{path}',"
        f" false, 't', 1, '1.1', {gone})"
        for number, member, path, gone in held
    )
    indexed = (
        "INSERT INTO registry_index_claim (node, claim_id, holder_id, host, path, wildcard,"
        f" counts_from, content_tier) VALUES ('{node}', '{number}', 'h', 'i.example', '/', true,"
        " '2025-01-01', 't')"
        for number, node in enumerate(("DE", "DE", "FR"))
    )
    url = await at_revision("0038")
    await on_connection(url, ran(*members, *claims, *indexed))

    await on_connection(url, migrations.upgrade)

    noted = "SELECT host, path, digest, found_at FROM registry_contested_claim ORDER BY id"
    assert await on_connection(url, answer(noted)) == [
        ("h.example", "/", sha256(b"h.example/").hexdigest(), 0),
        ("i.example", "/", sha256(b"*.i.example/").hexdigest(), 0),
    ]


async def test_units_of_reports_of_before_are_added_up_and_no_document_is_touched(at_revision):
    invoice = (
        "INSERT INTO settlement_document (number, issuer, series, subject, issued_on, media_type,"
        " body, sha256) VALUES ('INV-HUB-000001', 'HUB', 'INV', 'HUB-000001', '2026-08-31',"
        " 'application/json', '', '')"
    )

    def report(sequence, weights, held):
        body = json.dumps({"weights": weights, "held": held})
        return text(
            "INSERT INTO metering_report (party, period, sequence, body, digest, recorded_at)"
            " VALUES ('DE', '2026-09', :sequence, :body, '', 0)"
        ).bindparams(sequence=sequence, body=body.encode())

    key = "HUB-000001/train"
    weights = [
        [key, "TRAIN", "DE", None, "9", "90000000000000000000"],
        [key, "TRAIN", "DE", "c", "9", "1"],
        [key, "TRAIN", "FR", None, "9", "0"],
    ]
    held = [[key, "TRAIN", "~UNMATCHED", f"h/{n}", "1", "2"] for n in range(2)]
    url = await at_revision("0043")
    await on_connection(url, ran(invoice))
    reports = [report(1, [[key, "TRAIN", "GB", None, "1", "1"]], []), report(2, weights, held)]
    for each in reports:
        await on_connection(url, lambda found, each=each: found.execute(each))

    await on_connection(url, migrations.upgrade)

    due = "SELECT number, due_on FROM settlement_document"
    assert await on_connection(url, answer(due)) == [("INV-HUB-000001", None)]
    units = "SELECT period, party, licence, use, node, number, units FROM metering_reported_use"
    assert await on_connection(url, answer(f"{units} ORDER BY node")) == [
        ("2026-09", "DE", key, "TRAIN", "DE", "HUB-000001", "90000000000000000001"),
        ("2026-09", "DE", key, "TRAIN", "~UNMATCHED", "HUB-000001", "4"),
    ]


async def test_works_of_before_are_found_by_whose_they_are(at_revision):
    bodies = ('{"title":"Salt","rightholder":"R-1"}', '{"title":"Salt"}') * 2
    versions = (
        "INSERT INTO works_version (version, change, starts_at, recorded_at, thing, sorted_by,"
        f" words, body) VALUES ({number}, 1, 0, 0, 'W-{number // 3}', '', '', '{body}')"
        for number, body in enumerate(bodies)
    )
    url = await at_revision("0048")
    await on_connection(url, ran(*versions))

    await on_connection(url, migrations.upgrade)

    query = "SELECT rightholder, work_id FROM works_rightholder"
    assert await on_connection(url, answer(query)) == [("R-1", "W-0")]


def test_every_room_with_tables_is_known_to_the_history():
    """`db check` alone loads no other room: what is not named there it takes for left over."""
    rooms = {path.parent.name for path in (ROOT / "federation").glob("*/tables.py")}
    named = re.findall(
        r"^import federation\.(\w+)\.tables", ENV.read_text(encoding="utf-8"), re.MULTILINE
    )

    assert set(named) == rooms
