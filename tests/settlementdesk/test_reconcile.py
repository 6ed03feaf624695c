"""A day at the desk over real HTTP: the command, the routes, GraphQL, and who may do what."""

import asyncio
import os
import re
import sys
from datetime import UTC, datetime

import msgspec
import pytest
from click.testing import CliRunner

from federation.banking import items
from federation.cli.exits import EXIT_REFUSED
from federation.cli.main import cli
from federation.errors import RefusalError
from federation.settlementdesk.amounts import BadItemTextError, read_amount
from federation.settlementdesk.reconcile import KINDS, read_items
from tests.banking.bank import IBAN, Ntry, Tx, statement
from tests.federation.harness import (
    Answer,
    nothing_changes,
    send,
    small_federation,
    tell,
    write_scenario,
)

DAY = datetime(2026, 10, 17, 9, tzinfo=UTC)
FOR_REFUNDS = "FR1420041010050500013M02606"
LONDON = "GB82WEST12345698765432"
OFFICER, APPROVER = "settlement", "approver"


@pytest.fixture
async def hub(backend, tmp_path):
    """A hub that sold two licences; no collective is up."""
    scenario = write_scenario(tmp_path / "files")
    async with small_federation(backend, scenario, tmp_path, leave_out=scenario.codes) as small:
        story = small.story()
        for item in scenario.manifest.licence:
            if item.issuer == "HUB":
                await (
                    story.issuer("HUB")
                    .person("licensing")
                    .ask(
                        "mutation($id: String!) { registerLicensee(id: $id, name: $id) "
                        "{ __typename } }",
                        id=item.licensee,
                    )
                )
                await story._sell_one(item)
        small.set_clock(DAY)
        yield small


def environment(small, who=OFFICER, role="settlement_officer"):
    return {
        "FEDERATION_URL": small.running["HUB"].url,
        "FEDERATION_TOKEN": small.at("HUB", who, role)._token(),
        "COLUMNS": "200",
    }


async def run(small, *arguments, who=OFFICER, role="settlement_officer", group="reconcile"):
    """Run the command in a thread, as `main` does; return (exit code, output, errors)."""
    names = environment(small, who, role)

    def invoke():
        return CliRunner().invoke(cli, [group, *arguments], env=names, standalone_mode=False)

    result = await asyncio.to_thread(invoke)
    # The server beside it logs to the same place.
    logged = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")
    errors = "".join(
        line for line in result.stderr.splitlines(keepends=True) if not logged.match(line)
    )
    if isinstance(result.exception, RefusalError):
        refusal = result.exception
        said = f"{errors}federation: {refusal.code}: {refusal.message}"
        return EXIT_REFUSED, result.stdout, said
    return result.exit_code, result.stdout, errors


async def done(small, *arguments, **who):
    code, out, errors = await run(small, *arguments, "--json", **who)
    assert (code, errors) == (0, "")
    return msgspec.json.decode(out)


def written(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return str(path)


async def test_a_day_at_the_desk(hub, tmp_path):
    account = await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    assert (account["account"], account["currency"]) == (IBAN, "EUR")
    await done(hub, "open-account", IBAN, "--currency", "USD", "--name", "A slip")
    slip = ("withdraw-account", f"{IBAN[:4]} {IBAN[4:].lower()}", "--currency")
    assert (await done(hub, *slip, "USD"))["name"] == "A slip"
    async with nothing_changes(hub, "HUB"):
        code, _, errors = await run(hub, *slip, "USD")
        assert (code, "NO_SUCH_ACCOUNT" in errors) == (EXIT_REFUSED, True)
    day = statement(
        Ntry("8400.00", reference="B1", txs=(Tx("8400.00", name="Lab One", text="HUB-000001"),)),
        Ntry("3585.00", reference="B2", txs=(Tx("3585.00", name="Lab One", text="HUB 000001"),)),
        Ntry("4.50", "DBIT", "B3"),
        closing="11980.50",
    )
    file = written(tmp_path, "day.xml", day)

    code, out, errors = await run(hub, "import", file)
    assert (code, errors) == (0, "")
    assert "camt.053.001.08" in out
    [again] = await done(hub, "import", file)
    assert (again["again"], again["entries"]) == (True, 0)

    queue = (await done(hub, "queue"))["rows"]
    assert [row["entry"]["signed"] for row in queue] == ["840000", "358500", "-450"]
    code, out, _ = await run(hub, "queue")
    assert code == 0
    assert "INVOICE HUB-000001 12000.00 EUR" in out
    code, out, _ = await run(hub, "suggest", "1")
    assert "reference HUB-000001" in out

    short = ["--item", "INVOICE:HUB-000001", "--item", "SHORT_PAYMENT:HUB-000001:-3600.00"]
    [first] = await done(hub, "confirm", "1", *short, "--reason", "two instalments")
    assert (first["act"], first["reason"]) == ("SETTLED", "two instalments")
    assert first["items"][0]["amount"] == "1200000"
    charged = ["--item", "INVOICE:HUB-000001", "--item", "BANK_CHARGE::-15.00:foreign bank"]
    [second] = await done(hub, "confirm", "2", *charged)
    assert [item["amount"] for item in second["items"]] == ["360000", "-1500"]
    await done(hub, "confirm", "3", "--item", "BANK_CHARGE")

    [report] = await done(hub, "report")
    assert report["addsUp"] is True
    assert {row["kind"]: row["amount"]["minor"] for row in report["byKind"]} == {
        "BANK_CHARGE": "-1950",
        "INVOICE": "1560000",
        "SHORT_PAYMENT": "-360000",
    }
    assert (report["closing"]["minor"], report["difference"]["minor"]) == ("1198050", "0")
    code, out, _ = await run(hub, "report")
    assert "adds up" in out
    assert "11980.50" in out
    receipts = await hub.at("HUB", "auditor").ask(
        "{ reconciliationReport { inSuspense { minor } } }"
    )
    assert receipts == [{"inSuspense": {"minor": "0"}}]


async def test_a_suggestion_is_confirmed_by_its_number_and_undone(hub, tmp_path):
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    halves = [
        Ntry(f"{n}000.00", reference=f"B{n}", txs=(Tx(f"{n}000.00", text="HUB-000001"),))
        for n in (5, 7)
    ]
    await done(hub, "import", written(tmp_path, "a.xml", statement(*halves, closing="12000.00")))

    both = await done(hub, "confirm", "1", "--suggestion", "1")
    assert [row["entryId"] for row in both] == ["1", "2"]
    assert await done(hub, "queue") == {"rows": [], "next": None}
    [undone] = await done(hub, "undo", "2", "--reason", "another licence")
    assert undone["act"] == "UNDONE"
    [row] = (await done(hub, "queue"))["rows"]
    assert row["entry"]["id"] == "2"


async def test_beyond_the_limit_it_takes_an_approver(hub, tmp_path):
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    entry = Ntry("11800.00", reference="B1", txs=(Tx("11800.00", text="HUB-000001"),))
    await done(hub, "import", written(tmp_path, "a.xml", statement(entry, closing="11800.00")))
    items = ["--item", "INVOICE:HUB-000001:12000.00", "--item", "BANK_CHARGE::-200.00"]

    [proposed] = await done(hub, "confirm", "1", *items)
    assert proposed["act"] == "PROPOSED"
    code, out, _ = await run(hub, "queue")
    assert "proposal 1, proposed by settlement" in " ".join(out.split())
    code, _, errors = await run(hub, "approve", "1")
    assert (code, errors.split(":")[1].strip()) == (2, "NOT_ALLOWED")
    approver = {"who": APPROVER, "role": "settlement_approver"}
    code, _, errors = await run(hub, "approve", "1", "--proposal", "2", **approver)
    assert (code, errors.split(":")[1].strip()) == (2, "ENTRY_NOT_SETTLED")
    [approved] = await done(hub, "approve", "1", "--proposal", "1", **approver)
    assert (approved["act"], approved["actedBy"]) == ("SETTLED", APPROVER)


async def overpaid(hub, tmp_path, account=FOR_REFUNDS):
    """The same lab pays 500.00 and 300.00 more than it owes."""
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    payer = {"name": "Lab One", "account": account}
    entries = (
        Ntry("500.00", reference="B1", txs=(Tx("500.00", **payer),)),
        Ntry("300.00", reference="B2", txs=(Tx("300.00", **payer),)),
    )
    await done(hub, "import", written(tmp_path, "a.xml", statement(*entries, closing="800.00")))
    for entry in ("1", "2"):
        await done(hub, "confirm", entry, "--item", "OVERPAYMENT:HUB-000001")


async def test_an_overpayment_is_set_off_by_one_and_approved_by_another(hub, tmp_path):
    await overpaid(hub, tmp_path)
    approver = {"who": APPROVER, "role": "settlement_approver"}
    listed = await done(hub, "overpayments", "list")
    assert [(row["id"], row["party"], row["left"]["minor"]) for row in listed["overpayments"]] == [
        ("OP-1-1", "lab:lab-one", "50000"),
        ("OP-2-1", "lab:lab-one", "30000"),
    ]
    set_off = ("overpayments", "set-off", "OP-1-1", "--against", "invoice:HUB-000001", "--reason")

    [proposed] = await done(hub, *set_off, "the lab agreed")
    code, out, errors = await run(hub, *set_off, "another reason")
    assert (code, "the lab agreed" in out) == (0, True)
    assert "it was said before, and the first reason stands: the lab agreed" in errors
    [withdrawn] = await done(hub, "overpayments", "withdraw", proposed["id"])
    [second] = await done(hub, *set_off, "the lab agreed in writing")
    async with nothing_changes(hub, "HUB"):
        code, _, errors = await run(hub, "overpayments", "approve", second["id"])
        assert (code, errors.split(":")[1].strip()) == (EXIT_REFUSED, "NOT_ALLOWED")
    [approved] = await done(hub, "overpayments", "approve", second["id"], **approver)

    assert [row["state"] for row in (proposed, withdrawn, second, approved)] == [
        "PROPOSED",
        "WITHDRAWN",
        "PROPOSED",
        "APPROVED",
    ]
    assert (approved["amount"]["minor"], approved["decidedBy"]) == ("50000", APPROVER)
    code, out, _ = await run(hub, "overpayments", "list")
    assert code == 0
    assert "INVOICE HUB-000001" in out
    assert "OP-2-1" in out
    assert [row["id"] for row in (await done(hub, "overpayments", "list"))["overpayments"]] == [
        "OP-2-1"
    ]

    undo = ("overpayments", "undo", second["id"], "--reason")
    [asked] = await done(hub, *undo, "the wrong invoice")
    code, _, errors = await run(hub, *undo, "another reason")
    assert code == 0
    assert "it was said before, and the first reason stands: the wrong invoice" in errors
    async with nothing_changes(hub, "HUB"):
        code, _, errors = await run(hub, "overpayments", "confirm-undo", second["id"])
        assert (code, errors.split(":")[1].strip()) == (EXIT_REFUSED, "NOT_ALLOWED")
    [undone] = await done(hub, "overpayments", "confirm-undo", second["id"], **approver)
    assert (asked["state"], asked["undoProposedBy"]) == ("APPROVED", OFFICER)
    assert (undone["state"], undone["undoneBy"]) == ("UNDONE", APPROVER)
    assert [row["id"] for row in (await done(hub, "overpayments", "list"))["overpayments"]] == [
        "OP-1-1",
        "OP-2-1",
    ]


async def test_an_overpayment_is_paid_back_as_a_payment(hub, tmp_path):
    await overpaid(hub, tmp_path)

    [refund] = await done(hub, "overpayments", "refund", "OP-2-1")

    assert (refund["id"], refund["payee"]) == ("REFUND-OP-2-1", "lab:lab-one")
    assert refund["amount"] == {"minor": "30000", "currency": "EUR"}
    listed = await done(hub, "overpayments", "list")
    assert [row["id"] for row in listed["overpayments"]] == ["OP-1-1"]
    cancel = ("payments", "cancel", refund["id"], "--reason")
    code, _, errors = await run(hub, *cancel, "the lab asked", group="month")
    assert (code, errors) == (0, "")
    code, _, errors = await run(hub, *cancel, "another reason", group="month")
    assert code == 0
    assert "it was said before, and the first reason stands: the lab asked" in errors


async def test_a_refund_waits_until_somebody_names_an_account(hub, tmp_path):
    await overpaid(hub, tmp_path, account=None)
    naming = ("payments", "name-account", "REFUND-OP-1-1")
    named = (FOR_REFUNDS, "--name", "Lab One Ltd")
    [refund] = await done(hub, "overpayments", "refund", "OP-1-1")
    assert refund["state"] == "OUTSTANDING"
    async with nothing_changes(hub, "HUB"):
        code, _, errors = await run(hub, *naming, "FR14", "--name", "Lab One Ltd", group="month")
        assert (code, errors.split(":")[1].strip()) == (EXIT_REFUSED, "BAD_ACCOUNT")

    [payment] = await done(hub, *naming, *named, group="month")

    assert (payment["state"], payment["payeeName"]) == ("PROPOSED", "Lab One Ltd")
    assert FOR_REFUNDS in payment["payeeAccount"]


async def test_an_overpayment_that_cannot_be_used_so_is_refused(hub, tmp_path):
    await overpaid(hub, tmp_path)
    against = ("overpayments", "set-off", "OP-1-1", "--reason", "x", "--against")
    async with nothing_changes(hub, "HUB"):
        for arguments, said in (
            (("overpayments", "refund", "op-1-1"), "UNKNOWN_OVERPAYMENT"),
            (("overpayments", "refund", "op-1-1"), "Ids are in capitals: OP-1-1?"),
            ((*against, "HUB-000001"), "BAD_TARGET"),
            ((*against, "BANK_CHARGE:HUB-000001"), "does not exist in 'SetOffKind'"),
            ((*against, "INVOICE:hub-000001"), "Ids are in capitals: HUB-000001?"),
            (("overpayments", "withdraw", "7"), "SET_OFF_STATE"),
            (("overpayments", "withdraw", "x"), "BAD_ID"),
        ):
            code, out, errors = await run(hub, *arguments)
            assert (code, out) == (EXIT_REFUSED, "")
            assert said in errors


async def test_refusals_name_code_and_place_and_end_with_2(hub, tmp_path):
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    entry = Ntry("10.00", reference="B1")
    files = {
        "BALANCE_MISMATCH": (statement(entry, closing="10.01"), "line 2, statement 1"),
        "ENTRY_TWICE": (statement(entry, entry, closing="20.00"), "line 4, statement 1, entry 2"),
        "UNKNOWN_BANK_ACCOUNT": (statement(entry, closing="10.00", account=LONDON), LONDON),
        "HOSTILE_XML": (statement(entry, closing="10.00", head="<!DOCTYPE x>"), "line 1"),
        "BATCH_TOO_LARGE": (b" " * (32 * 1024 * 1024 + 1), "33554432"),
    }
    async with nothing_changes(hub, "HUB"):
        for expected, (data, place) in files.items():
            path = written(tmp_path, f"{expected}.xml", data)
            code, out, errors = await run(hub, "import", path)
            assert (code, out) == (2, "")
            assert errors.startswith(f"federation: {expected}: ")
            assert place in errors
        for arguments, expected in (
            (["confirm", "7", "--suggestion", "1"], "NO_SUGGESTION"),
            (["confirm", "x", "--suggestion", "1"], "NO_SUGGESTION"),
            (["undo", "7", "--reason", "x"], "UNKNOWN_BANK_ENTRY"),
            (["queue", "--token", "no"], "NOT_AUTHENTICATED"),
            (["queue", "--url", "http://127.0.0.1:9"], "NOT_REACHED"),
        ):
            code, _, errors = await run(hub, *arguments)
            assert (code, errors.split(":")[1].strip()) == (2, expected)


async def test_of_several_files_each_is_said_to_be_in_or_not(hub, tmp_path):
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    good = written(tmp_path, "good.xml", statement(Ntry("10.00", reference="B1"), closing="10.00"))
    bad = written(tmp_path, "bad.xml", statement(closing="0.00", account=LONDON))
    packed = written(tmp_path, "packed.zip", b"PK\x03\x04")
    late = statement(opening="10.00", closing="10.00", day="2026-12-01", statement_id="LATE")

    code, out, errors = await run(hub, "import", bad, good, packed)

    assert code == EXIT_REFUSED
    assert "good.xml" in out
    assert "bad.xml" not in out
    assert errors.splitlines() == [
        (
            "federation: UNKNOWN_BANK_ACCOUNT: bad.xml: This server has no such bank account. "
            f"(line 2, statement 1: {LONDON})"
        ),
        (
            "federation: BAD_BANK_FILE: packed.zip: This is no bank file that can be read. "
            "(line 1: this is a ZIP archive: unpack it and import the files in it)"
        ),
    ]
    [report] = await done(hub, "report")
    assert report["closing"]["minor"] == "1000"
    code, out, errors = await run(hub, "import", written(tmp_path, "late.xml", late))
    assert code == 0
    assert errors == (
        "federation: warning: late.xml: line 2, statement 1: "
        "'LATE' is dated 2026-12-01, and today is 2026-10-17\n"
    )


async def test_a_file_is_withdrawn_from_the_shell(hub, tmp_path):
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    file = written(tmp_path, "a.xml", statement(Ntry("10.00", reference="B1"), closing="10.00"))
    await done(hub, "import", file)

    found = await done(hub, "withdraw", file, "--reason", "a test of the bank")

    assert (found["statements"], found["entries"], found["withdrawnBy"]) == (1, 1, OFFICER)
    [report] = await done(hub, "report")
    assert (report["closing"]["minor"], report["addsUp"]) == ("0", True)
    async with nothing_changes(hub, "HUB"):
        code, _, errors = await run(hub, "withdraw", file, "--reason", "again")
        assert (code, errors.split(":")[1].strip()) == (EXIT_REFUSED, "UNKNOWN_FILE")
    [again] = await done(hub, "import", file)
    assert (again["again"], again["entries"]) == (False, 1)


async def test_a_refusal_of_the_real_process_is_one_line_and_exit_code_2(hub, tmp_path):
    path = written(tmp_path, "a.xml", statement(Ntry("10.00"), closing="10.00"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "federation.cli", "reconcile", "import", path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment(hub),
    )
    out, errors = await process.communicate()

    assert (process.returncode, out) == (2, b"")
    assert errors.decode() == (
        "federation: UNKNOWN_BANK_ACCOUNT: This server has no such bank account. "
        f"(line 2, statement 1: {IBAN})\n"
    )


async def test_a_hundred_megabytes_do_not_get_in(hub):
    """Even where nothing announces its size."""
    token = hub.at("HUB", OFFICER)._token()

    async def chunks():
        for _ in range(100):
            yield b" " * 1_000_000

    async with (
        nothing_changes(hub, "HUB"),
        hub.http.post(
            f"{hub.running['HUB'].url}/banking/files",
            data=chunks(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/xml"},
        ) as response,
    ):
        assert response.status == 413
        assert msgspec.json.decode(await response.read())["code"] == "BATCH_TOO_LARGE"


MUTATIONS = {
    "openBankAccount": '(account: "X", currency: "EUR", name: "X")',
    "confirmMatch": '(entries: ["1"], items: [])',
    "settleWithItems": '(entry: "1", items: [])',
    "approveSettlement": '(entry: "1")',
    "undoSettlement": '(entry: "1", reason: "x")',
    "withdrawBankFile": '(file: "1", reason: "x")',
}

QUERIES = ["bankAccounts", "bankStatements", "bankQueue", "reconciliationReport"]
READERS = {"settlement", "approver", "auditor"}


async def test_only_settlement_staff_act_and_auditors_read(hub):
    people = {
        "settlement": "settlement_officer",
        "approver": "settlement_approver",
        "auditor": "auditor",
        "licensing": "licensing_officer",
        "operator": "federation_operator",
    }
    allowed = {
        "settlement": set(MUTATIONS) - {"approveSettlement"},
        "approver": {"approveSettlement", "undoSettlement"},
    }
    async with nothing_changes(hub, "HUB"):
        for who, role in people.items():
            person = hub.at("HUB", who, role)
            for name, arguments in MUTATIONS.items():
                document = f"mutation {{ {name}{arguments} {{ ... on Refused {{ code }} }} }}"
                answer = await tell(hub, "HUB", person, document)
                is_refused = answer.code == "NOT_ALLOWED"
                assert is_refused is (name not in allowed.get(who, set())), (who, name)
            for name in QUERIES:
                answer = await tell(hub, "HUB", person, f"{{ {name} {{ __typename }} }}")
                assert (answer.code == "NOT_ALLOWED") is (who not in READERS), (who, name)
            sent: Answer = await send(hub, "HUB", "/banking/files", b"x", token=person._token())
            assert (sent.code == "NOT_ALLOWED") is (who != "settlement")
        nobody = await send(hub, "HUB", "/banking/files", b"x")
        assert nobody.status == 401


async def test_a_statement_shows_its_entries_and_who_imported_it(hub, tmp_path):
    await done(hub, "open-account", IBAN, "--currency", "EUR", "--name", "Main")
    pending = Ntry("5.00", reference="P1", status="PDNG")
    data = statement(Ntry("10.00", reference="B1"), pending, closing="10.00")
    await done(hub, "import", written(tmp_path, "a.xml", data))

    [found] = await hub.at("HUB", "auditor").rows(
        "{ bankStatements { edges { node { number bankId importedBy"
        " opening { minor } closing { minor } entries { status state signed reference } } } } }"
    )
    assert found == {
        "number": 1,
        "bankId": "STM-1",
        "importedBy": OFFICER,
        "opening": {"minor": "0"},
        "closing": {"minor": "1000"},
        "entries": [
            {"status": "BOOK", "state": "OPEN", "signed": "1000", "reference": "B1"},
            {"status": "PDNG", "state": "NONE", "signed": "500", "reference": "P1"},
        ],
    }


@pytest.mark.parametrize(
    ("written_as", "currency", "minor"),
    [
        ("-10.00", "EUR", "-1000"),
        ("10", "EUR", "1000"),
        ("+7.5", "KWD", "7500"),
        ("12", "JPY", "12"),
    ],
)
def test_amounts_are_typed_as_decimals(written_as, currency, minor):
    assert read_amount(written_as, currency) == minor


@pytest.mark.parametrize("items", [["A::1.001"], ["A::x"], ["A", "B"], ["A::1,00"]])
def test_items_that_cannot_be_read_are_refused(items):
    with pytest.raises(BadItemTextError):
        read_items(items, 100, "EUR")


@pytest.mark.parametrize("item", ["BANK_CHARGE:-10.00", "FX_DIFFERENCE:+3", "INVOICE:10.00"])
def test_an_amount_after_one_colon_is_answered_with_the_second(item):
    kind, amount = item.split(":")

    with pytest.raises(BadItemTextError) as refusal:
        read_items([item], 100, "EUR")
    assert f"{item}: write {kind}::{amount}, two colons before an amount" in refusal.value.message


def test_the_item_without_an_amount_gets_the_rest():
    assert read_items(["invoice:L-1", "BANK_CHARGE::-1.00:a: note"], 900, "EUR") == [
        {"kind": "INVOICE", "ref": "L-1", "amount": "1000", "note": ""},
        {"kind": "BANK_CHARGE", "ref": "", "amount": "-100", "note": "a: note"},
    ]


def test_the_shell_names_every_kind_of_item_that_the_server_takes():
    assert list(KINDS) == sorted(items.KINDS)


async def test_a_limit_is_proposed_confirmed_by_another_and_read_from_the_shell(hub):
    word = ["propose-limit", "BANK_CHARGE", "EUR", "150.00", "--since", "2026-11-01T00:00:00Z"]
    [proposed] = await done(hub, *word, "--reason", "charges have risen")
    assert (proposed["limit"]["minor"], proposed["confirmedBy"]) == ("15000", None)
    approver = {"who": APPROVER, "role": "settlement_approver"}
    await done(hub, "confirm-limit", proposed["id"], **approver)

    [row] = await done(hub, "limits", who="auditor", role="auditor")
    now = await done(hub, "limits", "--currency", "EUR")
    then = await done(hub, "limits", "--currency", "EUR", "--at", "2026-11-01T00:00:00Z")

    assert (row["proposedBy"], row["confirmedBy"]) == (OFFICER, APPROVER)
    assert {item["kind"]: item["limit"]["minor"] for item in now} == {
        "BANK_CHARGE": "10000",
        "FX_DIFFERENCE": "50000",
        "TAX_WITHHELD": "500000",
    }
    assert then[0] == {"kind": "BANK_CHARGE", "limit": {"minor": "15000", "currency": "EUR"}}
    async with nothing_changes(hub):
        past = await run(hub, *word[:-1], "2026-10-01T00:00:00Z", "--reason", "late")
        naive = await run(hub, *word[:-1], "2026-11-01T00:00:00", "--reason", "whose time?")
    assert [code for code, _, _ in (past, naive)] == [EXIT_REFUSED, EXIT_REFUSED]
    assert "BAD_LIMIT" in past[2]
    assert "a time with its offset" in naive[2]
