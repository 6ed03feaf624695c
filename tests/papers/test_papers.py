"""What stands on a paper, where, and that it is the same bytes wherever it is written."""

import json
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.documents.charged import Charged
from federation.documents.sheet import AccountRows, Sheet
from federation.documents.statement_files import statement_json
from federation.documents.vat import Vat
from federation.documents.writers import credit_note
from federation.licensing.objects import (
    GENERAL_TERMS,
    SIGNED_TYPE,
    TERRITORIES_MAX,
    ComponentTerms,
    Fee,
    Grant,
    TermsReference,
)
from federation.papers import paper as papers
from federation.papers.layout import BOTTOM, LEFT, RIGHT, Line
from federation.papers.pdf import pages_of
from federation.papers.service import contract_of, document_pdf, licence_pdf, paper_of
from federation.papers.text import CLOSED, OPENED
from federation.settlement.revenue import credited
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.store.canonical import sha256_hex
from tests.documents.sheets import a_licence
from tests.documents.statements import GB_LICENCE, a_statement
from tests.licensing.licences import a_licence as a_signed_licence
from tests.papers.invoices import BUYER, SELLER, an_invoice

KEY = SigningKey.generate()
RESPELLED = "respelled in Latin letters: the document has it in its own script."
ASCII = str.maketrans({papers.MINUS: "-", OPENED: "[", CLOSED: "]"})


def a_sheet(rows, recipient="lab", total=0):
    return Sheet(
        number="INV-HUB-000009",
        head={
            "kind": "licence invoice",
            "issuer": "HUB",
            "recipient": recipient,
            "issued_on": "2026-09-01",
        },
        texts=("licence", "component", "currency"),
        amounts=("amount",),
        lines=[
            {"licence": licence, "component": part, "currency": "EUR", "amount": amount}
            for licence, part, amount in rows
        ],
        accounts=[AccountRows(currency="EUR", rows={"invoiced": total, "closing_to_pay": total})],
    ).as_json()


def rows_of(paper):
    """Return what stands on each line of all pages, from left to right; its signs in ASCII."""
    rows = []
    for page in pages_of(paper):
        marks = [mark for mark in page if isinstance(mark, Line)]
        for y in sorted({mark.y for mark in marks}):
            on_it = sorted((mark for mark in marks if mark.y == y), key=lambda mark: mark.x)
            rows.append([mark.text.translate(ASCII) for mark in on_it])
    return rows


def test_an_invoice_says_who_owes_what_to_whom_and_of_which_bytes_it_was_laid_out():
    body = an_invoice()

    assert rows_of(paper_of(body)) == [
        ["Wort & Bild e. V."],
        ["Weidenstraße 5 · 81543 München · DE · HUB"],
        ["[ZhuShiHuiShe] AI", "Number", "INV-HUB-000001"],
        ["1-1 Marunouchi", "Issued on", "2026-08-31"],
        ["Tokyo", "Due on", "2026-09-30"],
        ["JP", "Term", "2026-09-01/2027-08-31"],
        ["lab-one", "Licence", "HUB-000001"],
        ["Please quote", "INV-HUB-000001"],
        ["Account", "DE89370400440532013000"],
        ["VAT", "19.5 %"],
        ["Invoice"],
        ["Lines"],
        ["Licence", "Part", "Uses", "Unit", "Fee, net"],
        ["HUB-000001", "train", "FINE_TUNE TRAIN", "TOKEN", "8,000.00 EUR"],
        ["HUB-000001", "ground", "GROUND", "REQUEST", "2,000.01 EUR"],
        ["To pay"],
        ["Invoiced", "10,000.01 EUR"],
        ["VAT", "1,950.00 EUR"],
        ["To pay", "11,950.01 EUR"],
        ["VAT comes on top of the fee, is passed on, and is never rights revenue."],
        [f"What stands between [ ] is {RESPELLED}"],
        ["This paper shows a document whose bytes (JSON) have the SHA-256"],
        [f"{sha256_hex(body)}."],
        ["INV-HUB-000001", "Page 1 of 1"],
    ]


def behind(title, paper):
    rows = rows_of(paper)
    return rows[rows.index([title]) :]


def test_a_row_of_an_account_is_called_by_what_it_is_in_its_own_kind_of_paper():
    """What a lab paid is no royalty of others, what a node owes nothing that is payable to it."""
    licence = a_licence(ends_on=date(2026, 10, 31), fee_ends_on=date(2027, 8, 31))
    charged = Charged(SELLER, BUYER, Vat("S", 1950), "DE89370400440532013000")
    note = credit_note(
        "CN-HUB-000001",
        licence,
        date(2026, 10, 5),
        invoice_number="INV-HUB-000001",
        reason="the lab closed",
        credited={licence.key(item): credited(licence, item.fee) for item in licence.components},
        received=1_000_001,
        charged=charged,
    )
    names = [
        row[0]
        for row in behind("From the invoice to what is left to pay", paper_of(note.as_json()))
    ]
    assert names[:9] == [
        "From the invoice to what is left to pay",
        "Invoiced",
        "Credited",
        "Paid so far",
        "Left to pay",
        "With VAT",
        "Credited, net",
        "VAT on it",
        "Credited, with VAT",
    ]

    rows = {"opening": 5, "receivable": 30, "payable": -20, "clearing_fees": -1, "closing": 14}
    raw = json.loads(a_sheet([]))
    raw |= {"kind": "remittance advice", "decimals": {"EUR": 2}}
    raw["accounts"] = [
        {"currency": "EUR", "rows": [[name, str(amount)] for name, amount in rows.items()]},
        {"currency": "EUR", "rows": [["cleared_from_JPY at 0.0061", "1"], ["closing", "1"]]},
    ]
    found = behind("From opening to closing", paper_of(json.dumps(raw).encode()))
    assert [row[0] for row in found[:9]] == [
        "From opening to closing",
        "Open from before",
        "From others to you",
        "From you to others",
        "Clearing fees",
        "Open by now",
        "From opening to closing",
        "Cleared from JPY at 0.0061",
        "Open by now",
    ]


def test_why_nothing_is_payable_is_said_in_words():
    raw = json.loads(a_sheet([])) | {"kind": "member statement", "not_payable": "BELOW_MINIMUM"}

    paper = paper_of(json.dumps(raw).encode())

    assert ("Not payable", "less than is paid at once") in paper.facts


def test_a_statement_leads_from_gross_over_the_fees_to_net_in_each_currencys_own_decimals():
    rows = rows_of(paper_of(statement_json(a_statement(GB_LICENCE, "JP"))))
    start = rows.index(["From gross to net, EUR"])

    assert rows[start : start + 12] == [
        ["From gross to net, EUR"],
        ["Gross", "400.00 EUR"],
        ["Clearing fee", "-4.00 EUR"],
        ["Collecting fee", "-40.00 EUR"],
        ["Net", "356.00 EUR"],
        ["For members"],
        ["Net, in the settlement currency", "65,579 JPY"],
        ["Fee for administration", "-7,869 JPY"],
        ["For members", "57,710 JPY"],
        ["Lines"],
        ["Debtor", "Creditor", "Licence", "Use", "Gross", "Deducted", "Net", "In JPY"],
        ["GB", "JP", "GB-000001/text", "400.00 EUR", "-44.00 EUR", "356.00 EUR", "65,579 JPY"],
    ]


def signed(**changes):
    terms = {
        "grant": Grant([ComponentTerms(["TRAIN"], "80000000", id="a")], territories=["DE"]),
        "fee": Fee("EUR", "80000000", deviation="a pilot"),
    }
    licence = a_signed_licence(**terms | changes)
    return sign(msgspec.to_builtins(licence), typ=SIGNED_TYPE, key=KEY)


def test_a_contract_has_the_terms_their_text_and_the_signature_to_be_filed():
    jws = signed(terms=TermsReference("urn:terms", sha256_hex(GENERAL_TERMS.encode())))
    said = [text for row in rows_of(contract_of(jws)) for text in row]
    whole = "".join(said)

    for row in (
        ["Licensor", "HUB, in its own name, on behalf of the rightholders"],
        ["Licensee", "lab-one"],
        ["Territories", "DE"],
        ["a", "TRAIN", "token", "800,000.00 EUR"],
        ["Total", "800,000.00 EUR"],
        ["Why it deviates", "a pilot"],
        ["Last day", "2026-09-30"],
        ["Difference tolerated", "2 %"],
        ["Key", KEY.kid],
        ["HUB-000001", "Page 2 of 2"],
    ):
        assert row in rows_of(contract_of(jws))
    assert GENERAL_TERMS in said
    assert jws.rpartition(".")[2] in whole
    assert sha256_hex(jws.encode()) in whole.replace(" ", "")
    assert "the licensor's published key tells, and not this paper." in whole
    assert GENERAL_TERMS not in str(rows_of(contract_of(signed())))


def test_a_contract_names_every_territory_however_many_and_what_it_replaces():
    named = [f"Province {number} of the realm" for number in range(TERRITORIES_MAX)]
    grant = Grant([ComponentTerms(["TRAIN"], "80000000")], territories=named)
    since = datetime(2026, 10, 5, 12, tzinfo=UTC)
    paper = contract_of(signed(grant=grant, version=2, supersedes=1, effective_from=since))

    said = " ".join(text for row in rows_of(paper) for text in row)

    assert [name for name in named if name not in said] == []
    assert ["Replaces", "version 1"] in rows_of(paper)
    assert ["In effect from", "2026-10-05T12:00:00+00:00"] in rows_of(paper)


def test_one_document_is_the_same_bytes_on_every_machine():
    """Another digest means that each paper fetched before has other bytes than it has now."""
    statement = statement_json(a_statement(GB_LICENCE, "JP"))
    header = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ"  # {"alg":"EdDSA","kid":"k"}
    jws = f"{header}.{signed().split('.')[1]}.AAAA"

    written = [document_pdf(an_invoice()), document_pdf(statement), licence_pdf(jws)]

    assert [sha256_hex(each) for each in written] == [
        "0d11d00870e7fe05f280c2b16bd0541e98f632ae2236c7e50d4466a947b9bb5d",
        "d0d4fd78f84516b6f5a9b870e6bd8415d1e08fbe85570af3977fa81277c6d8e2",
        "7da34ebe559c882a4b8750aab4a6a295beecc3fb92c06e16db2e61b629b55115",
    ]
    assert b"/CreationDate (D:20260831000000+00'00')" in written[0]
    assert b"FlateDecode" not in b"".join(written)


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(st.tuples(HOSTILE, HOSTILE, st.integers(-(10**45), 10**45)), max_size=4), HOSTILE)
def test_no_text_leaves_its_column_or_turns_what_stands_beside_it(rows, recipient):
    for page in pages_of(paper_of(a_sheet(rows, recipient))):
        for mark in page:
            if isinstance(mark, Line):
                assert mark.text.isprintable()
                assert mark.y <= BOTTOM + 28
                assert LEFT <= mark.x <= RIGHT
                assert not set(mark.text) & set("\u202e\u2066\u200b\u0627\u05d0")


def test_a_long_amount_goes_on_in_the_next_line_and_a_bidi_control_is_shown():
    amount = -(10**40)
    rows = rows_of(paper_of(a_sheet([("\u202elab", "<script>", amount)], total=amount)))

    assert rows[rows.index(["Licence", "Part", "Fee, net"]) + 1 :][:3] == [
        ["[lab]", "<script>", "-100,000,000,000,000,000,000,000,000,000,000,"],
        ["000,000.00 EUR"],
        ["To pay"],
    ]


def test_of_too_many_rows_the_last_says_how_many_are_left_out(monkeypatch):
    monkeypatch.setattr(papers, "ROWS_MAX", 100)
    rows = rows_of(paper_of(a_sheet([(f"HUB-{n:06d}", "", 1) for n in range(103)], total=103)))
    at = rows.index(["HUB-000099", "0.01 EUR"])

    assert rows[at + 1 : at + 5] == [
        ["3 more rows are in the document; all are in its sums"],
        ["To pay"],
        ["Invoiced", "1.03 EUR"],
        ["To pay", "1.03 EUR"],
    ]
    assert rows.count(["Licence", "Fee, net"]) == 3
    assert rows[-1] == ["INV-HUB-000009", "Page 3 of 3"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml/>",
        b"[1]",
        b'{"format":1,"period":"2026-09"}',
        b'{"a":' * 100_000,
        json.dumps({**json.loads(an_invoice()), "kind": "another"}).encode(),
        an_invoice().replace(b'"200001"', b'"1e9"'),
        an_invoice().replace(b'"decimals":{"EUR":2}', b'"decimals":{"EUR":-1}'),
        an_invoice().replace(b'"decimals":{"EUR":2}', b'"decimals":{}'),
        an_invoice().replace(b'"issued_on":"2026-08-31"', b'"issued_on":"today"'),
        an_invoice().replace(b'"EUR"', b'"EUR\xe2\x82\xac or so"'),
    ],
)
def test_what_is_no_document_that_is_sent_is_not_laid_out(body):
    assert document_pdf(body) is None
    assert licence_pdf(body.decode()) is None


def test_a_document_without_names_is_laid_out_like_any_other():
    raw = json.loads(an_invoice()) | {"number": ""}
    unnamed = raw | {name: "" for name in raw if name.startswith("issuer")}
    bare = {name: text for name, text in unnamed.items() if not name.startswith("issuer_")}

    for sheet in (unnamed, bare):
        body = json.dumps(sheet).encode()
        assert rows_of(paper_of(body))[-1] == ["", "Page 1 of 1"]
        assert document_pdf(body).startswith(b"%PDF-")
