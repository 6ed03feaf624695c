"""The one history of hub and node, upwards and downwards, on both backends."""

from datetime import date

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from federation.ledger.tables import JournalEntry, JournalPosting
from federation.store import migrations
from federation.store.base import Base
from tests.databases import contents, on_connection, refused


def ours():
    """Name the tables of this code; the history has imported them all by then."""
    return set(Base.metadata.tables)


def tables(connection):
    return set(inspect(connection).get_table_names())


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


async def test_upgrading_again_changes_nothing(empty_url):
    await on_connection(empty_url, migrations.upgrade)
    await on_connection(empty_url, migrations.upgrade)

    await on_connection(empty_url, migrations.check)


async def test_downgrading_to_base_leaves_nothing_and_the_way_up_stays_open(empty_url):
    await on_connection(empty_url, migrations.upgrade)
    await on_connection(empty_url, migrations.downgrade)

    assert await on_connection(empty_url, tables) == {"alembic_version"}
    assert await on_connection(empty_url, routines) == set()
    assert await on_connection(empty_url, migrations.current_revision) is None

    await on_connection(empty_url, migrations.upgrade)

    await on_connection(empty_url, migrations.check)
    assert await on_connection(empty_url, tables) == {*ours(), "alembic_version"}


def test_the_history_is_one_line():
    config = Config()
    config.set_main_option("script_location", str(migrations.migrations_folder()))
    scripts = ScriptDirectory.from_config(config)
    line = list(scripts.walk_revisions())

    assert scripts.get_heads() == [migrations.head_revision()]
    assert [script.down_revision for script in line] == [s.revision for s in line[1:]] + [None]


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
