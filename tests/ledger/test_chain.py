import hashlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from federation.ledger import service as ledger
from federation.ledger import store as ledger_store
from federation.ledger.accounts import Entry, Posting
from federation.ledger.chain import GENESIS, digest_of, entry_digest, link
from federation.store.canonical import canonical
from tests.databases import refused
from tests.ledger.sample import an_entry, contents_of_entries, posted

A = an_entry("a", ("Assets:HUB:Bank", "Liabilities:HUB:Unearned", 100, "EUR"))
B = an_entry("b", ("Liabilities:HUB:Unearned", "Liabilities:HUB:Due:DE", 7, "EUR"))

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

postings = st.builds(
    Posting,
    debit=words,
    credit=words,
    amount=st.integers(1, 10**40),
    currency=st.sampled_from(["EUR", "JPY"]),
    meta=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), words),
)

entries = st.builds(
    Entry,
    posted_on=st.dates(),
    document=words,
    narration=words,
    postings=st.lists(postings, min_size=1, max_size=4).map(tuple),
    reverses=st.none() | words,
)


def rfc_8785_form(entry):
    rows = [
        {
            "amount": str(row.amount),
            "credit": row.credit,
            "currency": row.currency,
            "debit": row.debit,
            "meta": dict(row.meta),
        }
        for row in entry.postings
    ]
    return {
        "posted_on": entry.posted_on.isoformat(),
        "document": entry.document,
        "narration": entry.narration,
        "postings": sorted(rows, key=lambda row: canonical(row).decode()),
        "reverses": entry.reverses,
    }


@given(entries)
def test_a_digest_is_the_sha_256_of_the_rfc_8785_form(entry):
    assert digest_of(entry) == hashlib.sha256(canonical(rfc_8785_form(entry))).hexdigest()


@given(entries, st.randoms())
def test_the_order_of_postings_tells_nothing(entry, random):
    rows = [(p.debit, p.credit, str(p.amount), p.currency, p.meta) for p in entry.postings]
    random.shuffle(rows)

    assert digest_of(entry) == entry_digest(
        posted_on=entry.posted_on.isoformat(),
        document=entry.document,
        narration=entry.narration,
        reverses=entry.reverses,
        postings=rows,
    )


@given(st.lists(entries, min_size=2, max_size=5), st.data())
def test_a_change_of_any_amount_changes_every_later_hash(chain, data):
    place = data.draw(st.integers(0, len(chain) - 1))
    first = chain[place].postings[0]
    changed = Posting(first.debit, first.credit, first.amount + 1, first.currency, first.meta)
    other = Entry(
        chain[place].posted_on,
        chain[place].document,
        chain[place].narration,
        (changed, *chain[place].postings[1:]),
        chain[place].reverses,
    )

    before = hashes(chain)
    after = hashes([*chain[:place], other, *chain[place + 1 :]])

    assert before[:place] == after[:place]
    assert all(one != two for one, two in zip(before[place:], after[place:], strict=True))


def hashes(chain):
    found, previous = [], GENESIS
    for entry in chain:
        previous = link(previous, digest_of(entry))
        found.append(previous)
    return found


def test_a_hash_is_computed_like_this():
    entry = Entry(
        date(2026, 9, 30),
        "receipt/L-1/000001",
        "Received",
        (Posting("Assets:HUB:Bank", "Assets:HUB:Receivable", 100, "EUR", {"licence": "L-1"}),),
    )
    form = (
        '{"document":"receipt/L-1/000001","narration":"Received","posted_on":"2026-09-30",'
        '"postings":[{"amount":"100","credit":"Assets:HUB:Receivable","currency":"EUR",'
        '"debit":"Assets:HUB:Bank","meta":{"licence":"L-1"}}],"reverses":null}'
    )
    digest = hashlib.sha256(form.encode()).digest()

    assert digest_of(entry) == digest.hex()
    assert link(GENESIS, digest.hex()) == hashlib.sha256(bytes(32) + digest).hexdigest()


async def test_entries_are_chained_in_the_order_they_are_posted(database):
    await posted(database, A)
    await posted(database, B)

    first, second = hashes([A, B])
    assert await contents_of_entries(database) == [
        ("a", GENESIS, first),
        ("b", first, second),
    ]
    async with database.read() as session:
        assert (await ledger.head(session)).hash == second


async def test_several_entries_at_once_are_chained_as_if_one_by_one(database):
    await posted(database, A, B)

    assert [row[2] for row in await contents_of_entries(database)] == hashes([A, B])


async def test_what_is_read_back_has_the_digest_that_was_posted(database):
    reversal = Entry(date(2026, 10, 1), "b/undone", "Undone", B.postings, reverses="b")
    await posted(database, A, B, reversal)

    async with database.read() as session:
        raw = [row async for row in ledger_store.walk(session)]
    assert [row.reverses for row in raw] == [None, None, "b"]
    assert [row.hash for row in raw] == hashes([A, B, reversal])


async def test_the_journal_cannot_fork(database):
    await posted(database, A)
    fork = (
        "INSERT INTO settlement_entry (posted_on, document, narration, previous, hash) "
        f"VALUES ('2026-09-30', 'fork', 'n', '{GENESIS}', '{'1' * 64}')"
    )

    await refused(database, DBAPIError, lambda session: session.execute(text(fork)))


@pytest.mark.parametrize(
    "posting",
    [
        Posting("Assets:HUB:Bank", "Assets:HUB:Bank", 1, "EUR"),
        Posting("Assets:HUB:Bank", "Assets:HUB:Receivable", 0, "EUR"),
        Posting("Assets:HUB:Bank", "Assets:HUB:Receivable", -1, "EUR"),
        Posting("Assets:HUB:Bank", "Assets:HUB:Receivable", True, "EUR"),
        Posting("Assets:HUB:Bank", "Assets:HUB:Receivable", 1.5, "EUR"),
    ],
)
async def test_what_is_no_movement_of_whole_units_is_not_posted(database, posting):
    entry = Entry(date(2026, 9, 30), "bad", "Bad", (A.postings[0], posting))

    await refused(database, ValueError, lambda session: ledger_store.post(session, [B, entry]))


async def test_a_month_keeps_its_head_and_the_next_starts_from_it(database):
    await posted(database, A)
    await keep(database, "2026-09")
    await keep(database, "2026-10")  # nothing was posted in between
    await posted(database, B)
    await keep(database, "2026-11")

    async with database.read() as session:
        kept = [(row.period, row.opening, row.head) for row in await ledger_store.heads(session)]
    first, second = hashes([A, B])
    assert kept == [
        ("2026-09", GENESIS, first),
        ("2026-10", first, first),
        ("2026-11", first, second),
    ]


async def keep(database, period):
    async with database.write("test") as session:
        await ledger.keep_head(session, period, datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE settlement_ledger_head SET head = opening", "DELETE FROM settlement_ledger_head"],
)
async def test_a_kept_head_takes_no_change_and_no_deletion(database, statement):
    await posted(database, A)
    await keep(database, "2026-09")

    await refused(database, DBAPIError, lambda session: session.execute(text(statement)))
