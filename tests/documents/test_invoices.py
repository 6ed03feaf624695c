import json
from datetime import UTC, date, datetime

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from federation.banking.billed import billed
from federation.documents import issuing, licence_books
from federation.documents import service as documents
from federation.documents import store as documents_store
from federation.documents.vat import EU_REVERSE_CHARGE, NoVatRateError
from federation.licensing import billing, licensees, service
from federation.licensing import store as licences
from federation.licensing.billing import BadBillingDetailsError, NoBillingDetailsError
from federation.licensing.licensees import UnknownLicenseeError
from federation.licensing.objects import ComponentTerms, OfferTerms
from federation.licensing.service import Licensing
from federation.licensing.tables import BillingDetails, Licence
from federation.payments import expected, refunds
from federation.payments.store import payments
from federation.proof import reasons
from federation.signing.keys import SigningKey
from federation.trust.principals import Principal
from federation.values.account import PaymentAccount
from federation.values.invoicing import InvoiceParty, Invoicing, VatRate
from tests.databases import refused
from tests.documents.en16931 import Read, broken

NOON = datetime(2026, 8, 31, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 5, 9, tzinfo=UTC)
OFFICER = Principal("officer", frozenset({"licensing_officer"}))
LAB = Principal("lab@one", frozenset({"lab"}), "lab-one")
SELLER = InvoiceParty(
    "Federation Hub e.V.", "Hauptstr. 1", "Berlin", "DE", "10115", vat_id="DE1234"
)
RATES = [VatRate("DE", date(2021, 1, 1), 1900)]
KEY = SigningKey.generate()
SILENT = Licensing("HUB", KEY)
ACCOUNT = PaymentAccount("Hub", "IBAN", "DE89370400440532013000", "COBADEFFXXX", None)
TELLING = Licensing("HUB", KEY, Invoicing(SELLER, 30, RATES), ACCOUNT)
IN_FRANCE = {
    "name": "Lab One SA",
    "street": "2 rue Haute",
    "city": "Paris",
    "postcode": "75001",
    "country": "FR",
    "vat_id": "FR123",
}
AT_HOME = {"name": "Lab One GmbH", "street": "Weg 3", "city": "Bonn", "country": "DE"}


@pytest.fixture
async def hub(database):
    """A hub that knows two labs and has sold nothing."""
    async with database.write("test") as session:
        for lab in ("lab-one", "lab-two"):
            await licensees.register_licensee(session, lab, lab, NOON)
    return database


def stating(said, who=LAB, licensee=None, now=NOON):
    return lambda session: billing.state_details(session, licensee, said, who, now)


async def state(database, said, **rest):
    async with database.write("test") as session:
        return await stating(said, **rest)(session)


def selling(key="1", licensing=TELLING, currency="EUR", starts_on=date(2026, 9, 1)):
    async def act(session):
        terms = OfferTerms(
            licensee="lab-one",
            components=[ComponentTerms(uses=["TRAIN"], fee="36500")],
            currency=currency,
            starts_on=starts_on,
            ends_on=date(2027, 8, 31),
            usage_basis="site",
        )
        offer = await service.offer_licence(
            session, terms, OFFICER, reason="a test", key=f"o{key}", uses=["TRAIN"], now=NOON
        )
        return await licence_books.accept_offer(
            session, offer.id, LAB, key=f"a{key}", licensing=licensing, now=NOON
        )

    return act


async def sell(database, **rest):
    async with database.write("test") as session:
        return (await selling(**rest)(session)).number


async def bodies(database, number):
    """Return the forms of a document, {media type: bytes}, and the day it is due on."""
    async with database.read() as session:
        row = await documents.get_document(session, number)
        others = (await documents_store.forms_of(session, [number])).get(number, [])
        forms = {row.media_type: row.body}
        for kind in others:
            forms[kind] = (await documents_store.find_form(session, number, kind)).body
    return forms, row.due_on


async def test_an_invoice_names_both_sides_its_day_and_the_tax_with_its_reason(hub):
    await state(hub, IN_FRANCE)
    await sell(hub)

    forms, due_on = await bodies(hub, "INV-HUB-000001")

    assert due_on == date(2026, 9, 30)
    assert list(forms) == ["application/json", "application/xml", "text/csv"]
    said = json.loads(forms["application/json"])
    assert {name: said[name] for name in sorted(said) if name.startswith(("issuer", "recip"))} == {
        "issuer": "HUB",
        "issuer_city": "Berlin",
        "issuer_country": "DE",
        "issuer_name": "Federation Hub e.V.",
        "issuer_postcode": "10115",
        "issuer_street": "Hauptstr. 1",
        "issuer_vat_id": "DE1234",
        "recipient": "lab-one",
        "recipient_city": "Paris",
        "recipient_country": "FR",
        "recipient_name": "Lab One SA",
        "recipient_postcode": "75001",
        "recipient_street": "2 rue Haute",
        "recipient_vat_id": "FR123",
    }
    assert (said["issued_on"], said["due_on"]) == ("2026-08-31", "2026-09-30")
    assert (said["vat_category"], said["vat_bps"], said["vat_reason"]) == (
        "AE",
        "0",
        EU_REVERSE_CHARGE,
    )
    assert (said["account"], said["bic"]) == ("DE89370400440532013000", "COBADEFFXXX")
    assert said["accounts"] == [
        {
            "currency": "EUR",
            "rows": [["invoiced", "36500"], ["vat", "0"], ["closing_to_pay", "36500"]],
        }
    ]
    assert broken(forms["application/xml"]) == []
    read = Read(forms["application/xml"])
    assert read.one("a:LegalMonetaryTotal/b:PayableAmount") == "365.00"


async def test_a_lab_at_home_pays_vat_on_top_and_the_fee_stays_what_it_was(hub):
    await state(hub, AT_HOME)
    number = await sell(hub)

    forms, _ = await bodies(hub, "INV-HUB-000001")

    [account] = json.loads(forms["application/json"])["accounts"]
    assert account["rows"] == [["invoiced", "36500"], ["vat", "6935"], ["closing_to_pay", "43435"]]
    read = Read(forms["application/xml"])
    assert read.one("a:LegalMonetaryTotal/b:TaxExclusiveAmount") == "365.00"
    assert read.one("a:LegalMonetaryTotal/b:PayableAmount") == "434.35"
    async with hub.read() as session:
        row = await licences.find_licence(session, number)
        assert sum(part.fee for part in licences.facts(row).components) == 36_500
        assert await issuing.vat_invoiced(session, "HUB", number) == 6_935


async def test_a_server_that_is_told_nothing_invoices_as_it_did(hub):
    await sell(hub, licensing=SILENT)

    forms, due_on = await bodies(hub, "INV-HUB-000001")

    assert (list(forms), due_on) == (["application/json", "text/csv"], date(2026, 9, 1))
    said = json.loads(forms["application/json"])
    assert sorted(said) == [
        *("accounts", "control", "decimals", "due_on", "format", "issued_on", "issuer", "kind"),
        *("licence", "lines", "number", "recipient", "reference", "term", "vat"),
    ]


@pytest.mark.parametrize(
    ("said", "licensing", "error"),
    [
        (None, TELLING, NoBillingDetailsError),
        (
            AT_HOME,
            Licensing("HUB", KEY, Invoicing(SELLER, 30, [VatRate("DE", date(2027, 1, 1), 0)])),
            NoVatRateError,
        ),
    ],
)
async def test_what_cannot_be_invoiced_is_not_sold(hub, said, licensing, error):
    if said is not None:
        await state(hub, said)

    await refused(hub, error, selling(licensing=licensing))


async def test_details_are_data_with_a_history_and_change_no_invoice(hub):
    await state(hub, IN_FRANCE)
    await sell(hub)
    before, _ = await bodies(hub, "INV-HUB-000001")
    moved = IN_FRANCE | {"street": "9 rue Basse"}
    first = await state(hub, IN_FRANCE, now=OCTOBER)
    second = await state(hub, moved, who=OFFICER, licensee="lab-one", now=OCTOBER)
    await sell(hub, key="2")

    assert (await bodies(hub, "INV-HUB-000001"))[0] == before
    after, _ = await bodies(hub, "INV-HUB-000002")
    assert json.loads(after["application/json"])["recipient_street"] == "9 rue Basse"
    async with hub.read() as session:
        found = await licences.billing_history(session, licensee="lab-one", before=None, limit=9)
        assert [(row.id, row.stated_by, row.stated_at, row.superseded_at) for row in found] == [
            (second.id, "officer", OCTOBER, None),
            (first.id, "lab@one", NOON, OCTOBER),
        ]
        assert [billing.read(row.body) for row in found] == [moved, IN_FRANCE]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (stating(IN_FRANCE | {"vat_id": "DE123"}), BadBillingDetailsError),
        (stating(IN_FRANCE | {"name": "x" * 201}), BadBillingDetailsError),
        (stating({"name": "A"}), BadBillingDetailsError),
        (stating(IN_FRANCE, who=OFFICER), UnknownLicenseeError),
        (stating(IN_FRANCE, who=OFFICER, licensee="lab-nine"), UnknownLicenseeError),
    ],
    ids=["country", "length", "missing", "nobody", "unknown"],
)
async def test_details_that_cannot_stand_on_an_invoice_are_refused_whole(hub, act, error):
    await refused(hub, error, act)


async def test_the_database_keeps_one_statement_of_a_lab_in_force(hub):
    await state(hub, IN_FRANCE)
    async with hub.write("test") as session:
        body = msgspec.json.encode(AT_HOME).decode()
        session.add(
            BillingDetails(licensee="lab-one", body=body, stated_by="nobody", stated_at=NOON)
        )
        with pytest.raises(IntegrityError):
            await session.flush()
        await session.rollback()


async def test_a_credit_note_repeats_the_sides_and_the_tax_of_its_invoice(hub):
    await state(hub, AT_HOME)
    number = await sell(hub)
    await state(hub, IN_FRANCE, now=OCTOBER)
    async with hub.write("test") as session:
        await refunds.end_licence(
            session,
            number,
            date(2026, 10, 10),
            reason="closed",
            who=OFFICER,
            licensing=TELLING,
            now=OCTOBER,
        )

    forms, due_on = await bodies(hub, "CN-HUB-000001")

    said = json.loads(forms["application/json"])
    assert (said["recipient_name"], said["vat_bps"], due_on) == ("Lab One GmbH", "1900", None)
    assert said["accounts"][1]["rows"] == [
        ["credited_net", "-32500"],
        ["credited_vat", "-6175"],
        ["credited_gross", "-38675"],
    ]
    assert broken(forms["application/xml"]) == []
    read = Read(forms["application/xml"])
    assert read.one("a:BillingReference/a:InvoiceDocumentReference/b:ID") == "INV-HUB-000001"
    assert read.one("a:LegalMonetaryTotal/b:PayableAmount") == "386.75"
    async with hub.read() as session:
        [one] = await billed(session, "lab-one", after="", limit=9)
    assert (one.invoice, one.credit_note) == ("INV-HUB-000001", "CN-HUB-000001")
    assert (one.net, one.credited, one.vat) == (36_500, 32_500, 760)
    assert (one.paid, one.open_amount) == (0, 4_760)
    assert [one.is_overdue(date(2026, 9, day)) for day in (29, 30)] == [False, False]
    assert one.is_overdue(date(2026, 10, 1)) is True


async def test_a_licence_invoiced_before_the_server_was_told_is_credited_as_it_was(hub):
    number = await sell(hub, licensing=SILENT)
    async with hub.write("test") as session:
        await refunds.end_licence(
            session,
            number,
            date(2026, 10, 10),
            reason="closed",
            who=OFFICER,
            licensing=TELLING,
            now=OCTOBER,
        )

    forms, _ = await bodies(hub, "CN-HUB-000001")

    assert list(forms) == ["application/json", "text/csv"]
    assert len(json.loads(forms["application/json"])["accounts"]) == 1


async def test_an_invoice_that_does_not_say_when_is_due_on_the_first_day(hub):
    number = await sell(hub, licensing=SILENT)
    async with hub.write("test") as session:
        heading = documents.Heading("HUB", "INV", "HUB-000002", NOON.date())
        await documents.issue(session, heading, lambda _: {documents.JSON: b"{}"})
        row = await licences.find_licence(session, number)
        session.add(
            Licence(
                **{
                    column.key: getattr(row, column.key)
                    for column in Licence.__table__.columns
                    if column.key not in {"number", "body"}
                },
                number="HUB-000002",
                body=row.body.replace(number, "HUB-000002"),
            )
        )

    async with hub.read() as session:
        found = await billed(session, None, after=number, limit=9)
        waited = await expected.money_in(session, "HUB", OCTOBER)

    assert [(one.invoice, one.due_on) for one in found] == [("INV-HUB-000002", date(2026, 9, 1))]
    assert [(one.id, one.due_on) for one in waited] == [
        (number, date(2026, 9, 1)),
        ("HUB-000002", date(2026, 9, 1)),
    ]


def leaves(step):
    return [leaf for part in step.steps for leaf in leaves(part)] if step.steps else [step]


async def test_why_an_invoice_is_what_it_is_names_the_vat_and_its_rate(hub):
    await state(hub, AT_HOME)
    await sell(hub)

    async with hub.read() as session:
        step = await reasons.why_document(session, "INV-HUB-000001")

    assert (step.label, step.amount) == ("To pay for INV-HUB-000001", 43_435)
    assert sum(leaf.amount for leaf in leaves(step)) == 43_435
    tax = step.steps[1]
    assert (tax.label, tax.amount) == ("VAT", 6_935)
    assert tax.refs == {"category": "S", "bps": "1900", "reason": ""}


async def test_what_went_back_after_a_credit_note_is_not_paid_any_more(hub):
    number = await sell(hub, licensing=SILENT)
    async with hub.write("test") as session:
        await licence_books.record_receipt(
            session,
            number=number,
            received_on=date(2026, 9, 1),
            amount=36_500,
            who=Principal("cashier", frozenset({"settlement_officer"})),
            key="r",
            here="HUB",
            now=OCTOBER,
        )
        await refunds.end_licence(
            session,
            number,
            date(2026, 10, 10),
            reason="closed",
            who=OFFICER,
            licensing=SILENT,
            now=OCTOBER,
        )

    async def seen():
        async with hub.read() as session:
            [one] = await billed(session, "lab-one", after="", limit=9)
        return one.paid, one.open_amount

    assert await seen() == (36_500, -32_500)
    async with hub.write("test") as session:
        [refund] = await payments(session)
        refund.state = "BOOKED"
    assert await seen() == (4_000, 0)
