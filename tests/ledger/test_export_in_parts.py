"""The journal leaves in parts: the same bytes, and never more of them at a time than one entry."""

from datetime import date, timedelta

import pytest
import pytest_asyncio

from federation.edge.spooled import CHUNK, in_chunks, spooled
from federation.ledger.accounts import Entry, Posting
from federation.ledger.beancount import BadJournalError, ExportEntry, ExportPosting
from federation.ledger.export import AT_A_TIME, FORMS, journal_parts
from federation.ledger.store import post
from tests.databases import opened
from tests.ledger.journals import write_journal

COUNT = 3 * AT_A_TIME + 7
DAY = date(2026, 10, 1)
META = {"period": "2026-09"}


def entries():
    """Entries whose dates run against the order in which they are entered."""
    for number in range(COUNT):
        posting = Posting("Assets:GB:Bank", "Liabilities:GB:Due:HUB", 100 + number, "GBP", META)
        on = DAY - timedelta(days=number % 50)
        yield Entry(on, f"test/{number:05d}", "A movement of money", (posting,))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def entered(any_backend):
    """The address of a database with these entries, which no test changes."""
    async with any_backend.url(migrated=True) as url:
        async with opened(url) as database, database.write("books") as session:
            await post(session, entries())
        yield url


@pytest.fixture
async def journal(entered):
    async with opened(entered) as database:
        yield database


@pytest.mark.parametrize("form", sorted(FORMS))
async def test_parts_are_the_whole_text_and_none_is_longer_than_what_stands_around_them(
    journal, form
):
    whole = write_journal(
        FORMS[form]("Journal of GB"),
        [
            ExportEntry(
                entry.posted_on,
                entry.document,
                entry.narration,
                [
                    ExportPosting(p.debit, p.credit, p.amount, p.currency, META)
                    for p in entry.postings
                ],
            )
            for entry in entries()
        ],
    )
    async with journal.read() as session:
        parts = [part async for part in journal_parts(session, "GB", form)]

    assert b"".join(parts) == whole
    assert len(parts) == 2 + COUNT + 1  # what stands before, each entry, what stands after
    assert max(map(len, parts)) < 300 < len(whole) // 100


async def test_what_cannot_be_written_is_refused_before_the_first_part(any_backend, entered):
    async with any_backend.copy(entered) as url, opened(url) as journal:
        async with journal.write("books") as session:
            wrong = Posting("Assets:GB:Bank", "Liabilities:GB:Due:HUB", 1, "GBP", {"No key": "x"})
            await post(session, [Entry(DAY, "test/wrong", "Wrong", (wrong,))])

        async with journal.read() as session:
            parts = journal_parts(session, "GB", "beancount")
            with pytest.raises(BadJournalError):
                await anext(parts)


async def test_what_is_sent_comes_in_chunks_of_one_size_and_its_file_is_closed(journal, tmp_path):
    async with journal.read() as session:
        file = await spooled(journal_parts(session, "GB", "beancount"), tmp_path)
    whole = file.read()
    file.seek(0)

    sizes = [len(chunk) for chunk in in_chunks(file)]

    left = len(whole) % CHUNK
    assert sizes == [CHUNK] * (len(whole) // CHUNK) + ([left] if left else [])
    assert len(sizes) > 1
    assert file.closed


async def test_a_file_that_cannot_be_finished_is_closed_and_not_kept(tmp_path):
    async def broken():
        yield b"begun"
        raise BadJournalError("no more")

    with pytest.raises(BadJournalError):
        await spooled(broken(), tmp_path)
    assert list(tmp_path.iterdir()) == []
