"""Every document of a settled month: numbered, delivered, and sent again byte for byte."""

import csv
import io
import json
import zipfile
from hashlib import sha256

import pytest

from federation.cli.paper import paper
from federation.distribution import store as distribution
from federation.ledger import store as ledger
from federation.months import store as months
from federation.settlement.run import compute
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.harness import PERIOD, fetch, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAYMENTS = "{ payments { edges { node { id amount { minor } } } } }"
LIST = """query($series: DocumentSeries) { documents(series: $series) { edges { node {
  number issuer series period subject issuedOn mediaType forms sha256 body } } } }"""

ONE = "query($number: String!) { document(number: $number) { number sha256 } }"


async def listed(small, code, series=None):
    found = await small.at(code, "auditor").rows(LIST, series=series)
    return {row["number"]: row for row in found}


async def result_of(small):
    async with small.databases[HUB].read() as session:
        row = await months.approved_run(session, PERIOD)
    document = decode(row.document)
    return row, document, compute(document)


async def balance(small, code, account, currency):
    """Return a liability's balance: above 0 where it is owed."""
    async with small.databases[code].read() as session:
        return sum(
            posting.amount * ((posting.credit == account) - (posting.debit == account))
            for _, postings in await ledger.journal(session)
            for posting in postings
            if posting.currency == currency
        )


async def test_a_month_leaves_its_documents_in_gap_free_series(settled):
    assert list(await listed(settled, HUB)) == [
        "ADV-HUB-000001",
        "ADV-HUB-000002",
        "ADV-HUB-000003",
        "FEE-HUB-000001",
        "INV-HUB-000001",
        "INV-HUB-000002",
        "RUN-HUB-000001",
    ]
    assert list(await listed(settled, "DE")) == [
        "ADV-HUB-000001",
        "FEE-HUB-000001",
        "INV-DE-000001",
        "STM-DE-000001",
    ]
    assert list(await listed(settled, "GB")) == ["ADV-HUB-000003", "STM-GB-000001"]


async def test_the_run_has_a_number_and_its_sha_is_the_runs_id(settled):
    run, _, _ = await result_of(settled)
    found = (await listed(settled, HUB, "RUN"))["RUN-HUB-000001"]
    assert found["sha256"] == run.run_id
    answer = await fetch(settled, HUB, "/documents/RUN-HUB-000001", settled.at(HUB, "auditor"))
    assert json.dumps(answer.body, sort_keys=True) == json.dumps(
        json.loads(run.document), sort_keys=True
    )


@pytest.mark.parametrize("code", ["DE", "FR", "GB"])
async def test_an_advice_shows_both_sides_and_leads_to_what_the_books_say(settled, code):
    _, document, result = await result_of(settled)
    [body] = [
        json.loads(row["body"])
        for row in (await listed(settled, code, "ADV")).values()
        if row["subject"].endswith(code)
    ]
    [account] = body["accounts"]
    rows = {name: int(amount) for name, amount in account["rows"]}
    position = result.positions[code]
    assert rows["opening"] == 0
    assert rows["receivable"] == position.receivable
    assert rows["payable"] + rows["clearing_fees"] == -position.payable
    assert rows["closing"] == position.net
    assert rows["closing"] == await balance(
        settled, HUB, f"Liabilities:HUB:Due:{code}", document.hub.clearing_currency
    )
    assert int(body["remittance_minor"]) == result.remittances[code]
    assert sum(int(line["cleared"]) for line in body["lines"]) == position.net
    assert body["payment_value_date"] == "2026-10-11"
    at_hub = await listed(settled, HUB, "ADV")
    assert at_hub[body["number"]] == (await listed(settled, code, "ADV"))[body["number"]]


async def test_the_fee_note_charges_what_the_run_took(settled):
    _, _, result = await result_of(settled)
    [body] = [json.loads(row["body"]) for row in (await listed(settled, "DE", "FEE")).values()]
    revenue = result.licences["DE-000001"].revenue
    assert body["lines"] == [
        {
            "licence": "DE-000001",
            "component": "",
            "currency": "EUR",
            "recognised": str(revenue.recognised),
            "clearing_fee": str(-revenue.clearing_fee),
        }
    ]
    assert revenue.clearing_fee == revenue.recognised * 100 // 10_000 > 0
    assert body["accounts"][0]["rows"][-1] == ["closing", str(-revenue.clearing_fee)]


@pytest.mark.parametrize("code", ["DE", "FR", "GB"])
async def test_a_statement_closes_with_what_the_nodes_books_say(settled, code):
    _, document, _ = await result_of(settled)
    [row] = (await listed(settled, code, "STM")).values()
    body = json.loads(row["body"])
    currency = document.collectives[code].settlement_currency
    due = await balance(settled, code, f"Liabilities:{code}:Due:HUB", currency)
    assert int(body["account"]["closing"]) == -due
    assert body["statement_no"] == row["number"] == f"STM-{code}-000001"


async def test_a_document_is_sent_again_as_it_was(settled):
    auditor = settled.at("GB", "auditor")
    [row] = (await listed(settled, "GB", "STM")).values()
    url = f"{settled.running['GB'].url}/documents/STM-GB-000001"
    for path, kind, ending in (
        (url, "application/json", "json"),
        (f"{url}.json", "application/json", "json"),
        (f"{url}.csv", "text/csv", "csv"),
    ):
        async with settled.http.get(path, headers=auditor._headers()) as response:
            content = await response.read()
            assert response.status == 200
            assert response.headers["Content-Type"].partition(";")[0] == kind
            assert response.headers["Content-Disposition"] == (
                f'attachment; filename="STM-GB-000001.{ending}"'
            )
            assert response.headers["ETag"] == f'"{sha256(content).hexdigest()}"'
        name = f"statements/{PERIOD}.{ending}"
        assert content == await auditor.get(f"/files/{name}")
        if ending == "json":
            assert sha256(content).hexdigest() == row["sha256"]
        else:
            numbers = {
                line["statement_no"] for line in csv.DictReader(io.StringIO(content.decode()))
            }
            assert numbers == {"STM-GB-000001"}


async def test_a_paper_is_laid_out_of_the_bytes_that_were_issued_or_signed(settled, tmp_path):
    """The command on anybody's machine writes the same bytes from what the server keeps."""
    lab, auditor = settled.lab("lab-one"), settled.at(HUB, "auditor")
    for path, whole in (("documents/INV-HUB-000001", ".json"), ("licences/HUB-000001", ".jwt")):
        laid_out = await lab.get(f"/{path}.pdf")
        file = tmp_path / f"{path.rpartition('/')[2]}{whole}"
        file.write_bytes(await lab.get(f"/{path}{whole}"))
        paper.main([str(file)], standalone_mode=False)
        assert (
            laid_out == file.with_suffix(".pdf").read_bytes() == await auditor.get(f"/{path}.pdf")
        )
        assert laid_out.startswith(b"%PDF-")
    assert "application/pdf" in (await listed(settled, HUB, "INV"))["INV-HUB-000001"]["forms"]
    for path, code in (
        ("documents/RUN-HUB-000001.pdf", "UNKNOWN_DOCUMENT"),
        ("licences/HUB-000001", "NO_SUCH_FILE"),
    ):
        answer = await fetch(settled, HUB, f"/{path}", auditor)
        assert (answer.status, answer.code) == (404, code)


async def test_a_months_lists_are_files_a_lab_gets_its_own_and_a_workbook_has_the_same(settled):
    auditor = settled.at(HUB, "auditor")
    paid = await auditor.rows(PAYMENTS)
    body = await auditor.get(f"/files/payments/{PERIOD}.csv")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    used = [
        {row["licensee"] for row in csv.DictReader(io.StringIO(text.decode()))}
        for text in [
            await person.get(f"/files/usage/{PERIOD}.csv")
            for person in (settled.lab("lab-one"), settled.lab("lab-two"), auditor)
        ]
    ]
    book = await auditor.get(f"/files/payments/{PERIOD}.xlsx")
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()

    assert [(row["payment_id"], row["amount_minor"]) for row in rows] == [
        (each["id"], each["amount"]["minor"]) for each in paid
    ]
    assert len(rows) > 0
    assert used == [{"lab-one"}, {"lab-two"}, {"lab-one", "lab-two"}]
    assert sheet.count("<row ") == len(rows) + 1
    assert all(f"<v>{each['amount']['minor']}</v>" in sheet for each in paid)
    assert (await settled.at("GB", "auditor").get("/documents/STM-GB-000001.xlsx"))[:2] == b"PK"


async def test_a_lab_sees_its_own_invoices_only(settled):
    lab, other = settled.lab("lab-one"), settled.lab("lab-two")
    assert (await lab.ask(ONE, number="INV-HUB-000001"))["number"] == "INV-HUB-000001"
    for person, number in (
        (other, "INV-HUB-000001"),
        (lab, "ADV-HUB-000001"),
        (lab, "INV-HUB-000009"),
    ):
        answer = await tell(settled, HUB, person, ONE, number=number)
        assert answer.code == "UNKNOWN_DOCUMENT"
        fetched = await fetch(settled, HUB, f"/documents/{number}", person)
        assert (fetched.status, fetched.code) == (404, "UNKNOWN_DOCUMENT")
    assert (await tell(settled, HUB, lab, LIST)).code == "NOT_ALLOWED"
    unknown = await fetch(settled, HUB, "/documents/INV-HUB-000001.xml", lab)
    assert (unknown.status, unknown.code) == (404, "UNKNOWN_DOCUMENT")


WHY = """query($number: String, $payment: String, $period: String, $member: String,
    $licence: String, $party: String) {
  whyAmount(number: $number, payment: $payment, period: $period, member: $member,
    licence: $licence, party: $party) {
    path isLeaf label amount { minor currency } rule refs { name value } } }"""

USES = "query($url: String!) { usesOf(url: $url) { uses { licence use earned { minor } } } }"


async def why(small, code, who="auditor", **asked):
    """Return the steps of an amount; the leaves must add up to the first."""
    steps = await small.at(code, who).ask(WHY, **asked)
    leaves = [step for step in steps if step["isLeaf"]]
    assert sum(int(step["amount"]["minor"]) for step in leaves) == int(steps[0]["amount"]["minor"])
    assert len({step["amount"]["currency"] for step in steps}) == 1
    return steps


def amount(steps):
    return int(steps[0]["amount"]["minor"])


async def test_every_document_with_an_amount_is_explained(settled):
    for code in (HUB, "DE", "FR", "GB"):
        for number, row in (await listed(settled, code)).items():
            if row["series"] == "RUN":
                answer = await tell(settled, code, settled.at(code, "auditor"), WHY, number=number)
                assert answer.code == "NOTHING_TO_EXPLAIN"
                continue
            steps = await why(settled, code, number=number)
            body = json.loads(row["body"])
            if row["series"] == "STM":
                closing = body["account"]["closing"]
            else:
                closing = body["accounts"][0]["rows"][-1][1]
            assert amount(steps) == int(closing)


async def test_every_share_and_payment_is_explained(settled):
    _, _, result = await result_of(settled)
    for key, licence in result.licences.items():
        for party, share in licence.shares.items():
            steps = await why(settled, HUB, period=PERIOD, licence=key, party=party)
            assert amount(steps) == share
    for code in (HUB, "DE", "FR", "GB"):
        found = await settled.at(code, "auditor").rows(PAYMENTS)
        for payment in found:
            steps = await why(settled, code, payment=payment["id"])
            assert amount(steps) == int(payment["amount"]["minor"])
        assert code != HUB or found


async def test_every_members_amount_is_explained_down_to_address_and_day(settled):
    explained = 0
    for code in ("DE", "FR", "GB"):
        async with settled.databases[code].read() as session:
            rows = await distribution.member_amounts(session, PERIOD)
        members = {row.member_id for row in rows}
        for member in members:
            steps = await why(settled, code, period=PERIOD, member=member)
            assert amount(steps) == sum(row.amount for row in rows if row.member_id == member)
            explained += len(steps)
    assert explained > 20

    steps = await why(settled, "DE", period=PERIOD, member="de-a")
    addresses = [step for step in steps if step["label"] == "news.example/de/1"]
    uses = (await settled.at("DE", "auditor").ask(USES, url="https://news.example/de/1"))["uses"]
    assert sorted(int(step["amount"]["minor"]) for step in addresses) == sorted(
        int(use["earned"]["minor"]) for use in uses if use["earned"]
    )
    days = [step["label"] for step in steps if step["isLeaf"]]
    assert set(days) == {"2026-09-10"}
    used = next(step for step in steps if step["path"] == "0.0")
    names = {ref["name"] for ref in used["refs"]}
    assert {"weight", "units"} <= names
    assert any(name.startswith("rate ") for name in names)


async def test_a_member_asks_for_its_own_month_only(settled):
    own = await settled.member("DE", "de-a").ask(WHY, period=PERIOD, member="de-a")
    assert own[0]["path"] == "0"
    for asked in (
        {"period": PERIOD, "member": "de-b"},
        {"number": "STM-DE-000001"},
        {"period": PERIOD, "licence": "HUB-000001", "party": "DE"},
    ):
        answer = await tell(settled, "DE", settled.member("DE", "de-a"), WHY, **asked)
        assert answer.code == "NOT_ALLOWED"


@pytest.mark.parametrize(
    "question",
    [
        'whyAmount(period: "2026-09", member: "Finch") { path }',
        'memberStatement(period: "2026-09", member: "Finch") { __typename }',
        'claims(member: "Finch", first: 1) { edges { cursor } }',
    ],
)
async def test_a_question_about_nobodys_money_is_refused(settled, question):
    answer = await tell(settled, "DE", settled.at("DE", "auditor"), f"{{ {question} }}")

    assert answer.code == "UNKNOWN_MEMBER"
    assert "Finch" in answer.body["errors"][0]["message"]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ('limitsInForce(currency: "QQQ") { kind }', "UNKNOWN_CURRENCY"),
        ('suspense(currency: "QQQ") { edges { cursor } }', "UNKNOWN_CURRENCY"),
        ('accountHistory(account: "A", currency: "QQQ") { account }', "UNKNOWN_CURRENCY"),
        ('bankStatements(account: "99") { edges { cursor } }', "UNKNOWN_BANK_ACCOUNT"),
        ('bankQueue(account: "99") { edges { cursor } }', "UNKNOWN_BANK_ACCOUNT"),
        ('reconciliationReport(account: "99") { addsUp }', "UNKNOWN_BANK_ACCOUNT"),
        ('bankMatches(entry: "99") { act }', "UNKNOWN_BANK_ENTRY"),
    ],
)
async def test_a_question_about_what_is_not_there_is_refused(settled, question, code):
    answer = await tell(settled, HUB, settled.at(HUB, "auditor"), f"{{ {question} }}")

    assert answer.code == code


@pytest.mark.parametrize("form", ["beancount", "hledger"])
async def test_a_journal_comes_in_parts_without_its_length_being_known(settled, form):
    url = f"{settled.running[HUB].url}/files/journal.{form}"
    headers = settled.at(HUB, "auditor")._headers()

    async with settled.http.get(url, headers=headers) as response:
        text = (await response.read()).decode()
        said = (response.status, response.headers.get("Transfer-Encoding"))
        assert "Content-Length" not in response.headers

    assert said == (200, "chunked")
    assert f"Journal of {HUB}" in text.splitlines()[0]
