import asyncio
import json
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from federation.documents import issuing, licence_books
from federation.documents import service as documents
from federation.documents import store as documents_store
from federation.documents.issuing import DocumentMismatchError
from federation.documents.messages import DocumentIssued, Form
from federation.documents.service import Heading, UnknownDocumentError
from federation.ledger import store as ledger
from federation.licensing import licensees
from federation.licensing import service as licensing
from federation.licensing.objects import ComponentTerms, OfferTerms, decode
from federation.licensing.service import LicenceStatusError, Licensing
from federation.payments import refunds
from federation.payments.store import payments
from federation.signing.keys import SigningKey
from federation.trust.principals import Principal
from federation.values.reason import ReasonError
from tests.databases import opened, refused

NOON = datetime(2026, 8, 31, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 5, 9, tzinfo=UTC)
HUB = Licensing("HUB", SigningKey.generate())
OFFICER = Principal("officer", frozenset({"licensing_officer"}))
LAB = Principal("lab@one", frozenset({"lab"}), "lab-one")
OTHER_LAB = Principal("lab@two", frozenset({"lab"}), "lab-two")


def a_note(session, subject, *, issuer="HUB", series="CN", body=b"{}", also=None):
    def forms(number):
        others = {kind: write(number) for kind, write in (also or {}).items()}
        return {documents.JSON: number.encode() + body, **others}

    return documents.issue(session, Heading(issuer, series, subject, NOON.date()), forms)


async def sent(session, number, form=None):
    """Return the media type and the bytes that come in parts; size and SHA-256 are of these."""
    found = await documents.content(session, number, form)
    body = b"".join([part async for part in found.parts])
    assert (found.size, found.sha256) == (len(body), sha256(body).hexdigest())
    return found.media_type, body


async def numbers(database):
    async with database.read() as session:
        return [row.number for row in await documents_store.list_documents(session, limit=99)]


async def test_numbers_have_no_gap_after_a_rollback(database):
    async def give_up(session):
        await a_note(session, "b")
        await a_note(session, "c")
        raise DocumentMismatchError

    async with database.write("test") as session:
        await a_note(session, "a")
    await refused(database, DocumentMismatchError, give_up)
    async with database.write("test") as session:
        await a_note(session, "d")

    assert await numbers(database) == ["CN-HUB-000001", "CN-HUB-000002"]


async def test_numbers_have_no_gap_under_many_writers(backend):
    """Two servers on one database, forty writers, every third gives up."""
    async with backend.url(migrated=True) as url, opened(url) as one, opened(url) as two:

        async def write(number):
            async with (one, two)[number % 2].write("test") as session:
                await a_note(session, f"subject-{number}")
                await asyncio.sleep(0)
                if number % 3 == 0:
                    raise ValueError

        found = await asyncio.gather(*(write(n) for n in range(40)), return_exceptions=True)
        assert sum(isinstance(item, ValueError) for item in found) == 14
        assert [item for item in found if item and not isinstance(item, ValueError)] == []
        assert await numbers(one) == [f"CN-HUB-{n:06d}" for n in range(1, 27)]


async def test_every_issuer_and_series_counts_on_its_own(database):
    async with database.write("test") as session:
        for issuer, series in (("HUB", "CN"), ("DE", "CN"), ("HUB", "FEE"), ("HUB", "CN")):
            await a_note(session, f"{issuer}{series}", issuer=issuer, series=series)
        await a_note(session, "another")

    assert await numbers(database) == [
        "CN-DE-000001",
        "CN-HUB-000001",
        "CN-HUB-000002",
        "FEE-HUB-000001",
    ]


async def test_the_same_subject_again_is_the_same_document(database):
    async with database.write("test") as session:
        first = await a_note(session, "a", body=b"one")
        again = await a_note(session, "a", body=b"two")

    assert again.number == first.number == "CN-HUB-000001"
    assert again.body == b"CN-HUB-000001one"
    assert first.sha256 == sha256(b"CN-HUB-000001one").hexdigest()


@pytest.mark.parametrize("size", [0, 1, 4, 5, 9, 10])
async def test_a_document_comes_in_parts_and_its_body_is_nowhere_whole(database, monkeypatch, size):
    monkeypatch.setattr(documents_store, "PART_BYTES", 5)
    body = bytes(range(size))
    async with database.write("test") as session:
        await documents.issue(
            session, Heading("HUB", "CN", "a", NOON.date()), lambda _: {documents.JSON: body}
        )
    async with database.read() as session:
        row = await documents.document_for(session, "CN-HUB-000001", OFFICER, with_body=False)
        found = await documents.content(session, "CN-HUB-000001")
        parts = [part async for part in found.parts]

    assert parts == [body[start : start + 5] for start in range(0, size, 5)]
    assert "body" in inspect(row).unloaded


async def test_a_document_is_sent_again_byte_for_byte_in_each_form(database):
    also = {"text/csv": lambda number: f"{number},a".encode()}
    async with database.write("test") as session:
        await a_note(session, "a", also=also)
    async with database.read() as session:
        assert await sent(session, "CN-HUB-000001") == (
            "application/json",
            b"CN-HUB-000001{}",
        )
        assert await sent(session, "CN-HUB-000001", "text/csv") == (
            "text/csv",
            b"CN-HUB-000001,a",
        )
        with pytest.raises(UnknownDocumentError):
            await documents.content(session, "CN-HUB-000001", "application/xml")
        with pytest.raises(UnknownDocumentError):
            await documents.content(session, "CN-HUB-000002")
        assert await documents_store.forms_of(session, ["CN-HUB-000001"]) == {
            "CN-HUB-000001": ["text/csv"]
        }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement_document SET body = 'x'",
        "DELETE FROM settlement_document_form",
        "UPDATE settlement_document_form SET sha256 = 'x'",
        "DELETE FROM settlement_document WHERE number = 'CN-HUB-000002'",
    ],
)
async def test_the_database_refuses_to_change_a_document(database, statement):
    also = {"text/csv": lambda number: number.encode()}
    async with database.write("test") as session:
        await a_note(session, "a", also=also)
        await a_note(session, "b")

    await refused(database, DBAPIError, lambda session: session.execute(text(statement)))


async def test_lists_are_pages_of_a_series_or_month(database):
    async with database.write("test") as session:
        for number in range(5):
            await a_note(session, f"s{number}")
        await a_note(session, "other", series="FEE")
    async with database.read() as session:
        first = await documents_store.list_documents(session, series=["CN"], limit=3)
        rest = await documents_store.list_documents(
            session, series=["CN"], after=first[-1].number, limit=9
        )
        assert [row.subject for row in (*first, *rest)] == [f"s{number}" for number in range(5)]
        assert await documents_store.list_documents(session, period="2026-09", limit=9) == []


def a_message(**changes):
    values = {
        "number": "ADV-HUB-000007",
        "series": "ADV",
        "subject": "remittance/2026-09/DE",
        "period": "2026-09",
        "issued_on": date(2026, 10, 1),
        "forms": [Form("application/json", "{}"), Form("text/csv", "a,b")],
    }
    return DocumentIssued(**{**values, **changes})


async def test_a_document_that_comes_is_kept_under_its_issuers_number(database):
    async with database.write("test") as session:
        await issuing.receive_document(session, a_message(), "HUB")
        await issuing.receive_document(session, a_message(), "HUB")

    assert await numbers(database) == ["ADV-HUB-000007"]
    async with database.read() as session:
        assert await sent(session, "ADV-HUB-000007", "text/csv") == (
            "text/csv",
            b"a,b",
        )


@pytest.mark.parametrize(
    "message",
    [
        a_message(forms=[Form("application/json", '{"amount":"1"}')]),
        a_message(number="ADV-DE-000001"),
        a_message(number="INV-HUB-000001"),
        a_message(number="ADV-HUB-000008", forms=[]),
    ],
)
async def test_a_document_with_other_content_or_of_another_issuer_is_refused(database, message):
    async with database.write("test") as session:
        await issuing.receive_document(session, a_message(), "HUB")

    refusal = await refused(
        database,
        DocumentMismatchError,
        lambda session: issuing.receive_document(session, message, "HUB"),
    )
    assert refusal.code == "DOCUMENT_MISMATCH"


TERMS = OfferTerms(
    licensee="lab-one",
    components=[
        ComponentTerms(uses=["TRAIN"], fee="365000", id="train"),
        ComponentTerms(uses=["GROUND"], fee="73000", id="ground"),
    ],
    currency="EUR",
    starts_on=date(2026, 9, 1),
    ends_on=date(2027, 8, 31),
    usage_basis="site",
)


@pytest.fixture
async def sold(database):
    """A hub that has sold one licence of a year to lab-one."""
    async with database.write("test") as session:
        await licensees.register_licensee(session, "lab-one", "Lab One", NOON)
        offer = await licensing.offer_licence(
            session, TERMS, OFFICER, reason="a pilot", key="o", uses=["TRAIN", "GROUND"], now=NOON
        )
        await licence_books.accept_offer(session, offer.id, LAB, key="a", licensing=HUB, now=NOON)
    return database


async def test_a_licence_is_invoiced_when_it_is_accepted(sold):
    async with sold.read() as session:
        row = await documents.document_for(session, "INV-HUB-000001", LAB)
        found = json.loads(row.body)
        assert (found["recipient"], found["due_on"]) == ("lab-one", "2026-09-01")
        assert found["control"]["sums"] == {"EUR": {"amount": "438000"}}
        assert row.subject == "HUB-000001"
        with pytest.raises(UnknownDocumentError):
            await documents.document_for(session, "INV-HUB-000001", OTHER_LAB)


async def test_a_lab_sees_no_document_of_others(sold):
    async with sold.write("test") as session:
        await a_note(session, "HUB-000001", series="FEE")
    async with sold.read() as session:
        with pytest.raises(UnknownDocumentError):
            await documents.document_for(session, "FEE-HUB-000001", LAB)


def ending(last_day, *, reason="the lab closed", now=OCTOBER, licensing_of=HUB):
    async def act(session):
        return await refunds.end_licence(
            session,
            "HUB-000001",
            last_day,
            reason=reason,
            who=OFFICER,
            licensing=licensing_of,
            now=now,
        )

    return act


async def receive(database, amount):
    async with database.write("test") as session:
        await licence_books.record_receipt(
            session,
            number="HUB-000001",
            received_on=date(2026, 9, 1),
            amount=amount,
            who=Principal("cashier", frozenset({"settlement_officer"})),
            key="r",
            here="HUB",
            now=OCTOBER,
        )


async def balance(database, account):
    async with database.read() as session:
        return sum(
            posting.amount * ((posting.debit == account) - (posting.credit == account))
            for _, postings in await ledger.journal(session)
            for posting in postings
        )


async def test_a_licence_that_ends_early_is_credited_and_what_was_paid_too_much_goes_back(sold):
    await receive(sold, 438_000)
    async with sold.write("test") as session:
        note = await ending(date(2026, 10, 10))(session)

    found = json.loads(note.body)
    credited = 438_000 * 325 // 365
    assert note.number == "CN-HUB-000001"
    assert (found["corrects"], found["ended_on"]) == ("INV-HUB-000001", "2026-10-10")
    assert found["control"]["sums"] == {"EUR": {"amount": str(-credited)}}
    assert await balance(sold, "Liabilities:HUB:Unearned") == -(438_000 - credited)
    assert await balance(sold, "Assets:HUB:NotCollected") == 0
    assert await balance(sold, "Assets:HUB:Receivable") == -credited  # owed back to the lab
    async with sold.read() as session:
        [refund] = await payments(session)
        body = decode((await licensing.get_licence(session, "HUB-000001")).body)
    assert (refund.kind, refund.payee, refund.amount) == ("REFUND", "lab:lab-one", credited)
    assert (refund.state, refund.debt_account) == ("OUTSTANDING", "Assets:HUB:Receivable")
    assert (body.ended_on, body.version, body.term.ends_on) == (
        date(2026, 10, 10),
        2,
        date(2027, 8, 31),
    )


async def test_nothing_goes_back_of_what_was_never_paid(sold):
    await receive(sold, 1_000)
    async with sold.write("test") as session:
        await ending(date(2026, 10, 10))(session)
    async with sold.read() as session:
        assert await payments(session) == []


@pytest.mark.parametrize(
    ("act", "detail"),
    [
        (ending(date(2026, 10, 4)), "in the past"),
        (ending(date.min), "0001-01-01 is in the past"),
        (ending(date.max), "9999-12-31 is in the past or not before 2027-08-31"),
        (ending(date(2027, 8, 31)), "not before 2027-08-31"),
    ],
)
async def test_an_early_end_is_today_or_later_and_before_the_term(sold, act, detail):
    refusal = await refused(sold, LicenceStatusError, act)

    assert detail in refusal.detail


async def test_an_early_end_has_a_reason(sold):
    await refused(sold, ReasonError, ending(date(2026, 10, 10), reason=" "))


async def test_a_licence_ends_once(sold):
    async with sold.write("test") as session:
        await ending(date(2026, 10, 10))(session)

    refusal = await refused(sold, LicenceStatusError, ending(date(2026, 10, 8)))
    assert refusal.code == "LICENCE_STATUS"
