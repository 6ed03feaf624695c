"""What a terminal shows: whole words whatever its width."""

import pytest

from federation.desk.client import cased, refused
from federation.desk.printing import make_table, print_table
from federation.errors import RefusalError

COLUMNS = ("payment", "to", "account", "amount", "state", "due on", "note")
ROW = (
    "PAY-2026-09-HUB-GB",
    "Example Licensing Society",
    "GB82WEST12345698765432",
    "123456789.00 GBP",
    "OUTSTANDING",
    "2026-10-20",
    "ACCOUNT_MISSING",
)


def printed(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(make_table("Payments", COLUMNS, [ROW, ROW]))
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_word_is_broken_whatever_the_width(capsys, monkeypatch, width):
    text = printed(capsys, monkeypatch, width)

    assert max(len(line) for line in text.splitlines()) <= width
    words = text.split()
    for cell in ROW:
        for word in cell.split():
            assert words.count(word) == 2, word


def test_what_fits_is_a_table_and_what_does_not_stands_line_by_line(capsys, monkeypatch):
    narrow, wide = (printed(capsys, monkeypatch, width) for width in (80, 200))

    assert wide.count("payment") == 1
    assert narrow.count("│ payment │ PAY-2026-09-HUB-GB") == 2
    assert narrow.splitlines()[0] == wide.splitlines()[0] == "Payments"


def test_a_table_without_rows_shows_its_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_table(make_table("Payments", COLUMNS, []))

    assert "payment" in capsys.readouterr().out


QUEUE = ("entry", "booked", "amount", "from / to", "text", "best suggestion", "score")
QUEUED = (
    "1",
    "2026-09-28",
    "364990.00 EUR",
    "Lab One",
    "Licence HUB-000001",
    "INVOICE HUB-000001 365000.00 EUR",
    "65",
)
REPORTS = ("node", "due on", "remind on", "state", "received", "sha-256")
REPORTED = (
    "DE",
    "2026-10-05",
    "2026-10-03, 2026-10-05",
    "report 1 is in",
    "2026-10-01 09:00Z",
    "68d7d6167e149219",
)


@pytest.mark.parametrize(("columns", "row"), [(QUEUE, QUEUED), (REPORTS, REPORTED)])
@pytest.mark.parametrize("width", [60, 70, 80, 90, 100, 110, 120])
def test_a_table_that_would_break_a_word_turns_into_cards(capsys, monkeypatch, columns, row, width):
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(make_table("The title", columns, [row]))

    words = capsys.readouterr().out.split()
    for text in (*columns, *row):
        for word in text.split():
            assert word in words


def test_what_a_payer_wrote_is_printed_as_it_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_table(make_table("In [/the] queue", ["text"], [["[bold] [/x] :smile: HUB-000001"]]))

    printed = capsys.readouterr().out
    assert "In [/the] queue" in printed
    assert "[bold] [/x] :smile: HUB-000001" in printed


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["gb"], "No such node. (gb) Ids are in capitals: GB?"),
        (["GB"], "No such node. (gb)"),
        (["fr"], "No such node. (gb)"),
    ],
)
def test_a_refusal_that_names_an_id_in_small_letters_says_what_may_be_meant(ids, said):
    with pytest.raises(RefusalError) as refusal, cased(ids):
        raise refused("UNKNOWN_NODE", "No such node. (gb)")

    assert (refusal.value.code, refusal.value.message) == ("UNKNOWN_NODE", said)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("adj-2026-09-53a78200-de", "ADJ-2026-09-53a78200-DE"),
        ("ADJ-2026-09-53A78200-DE", "ADJ-2026-09-53a78200-DE"),
        ("adj-2026-09-53a78200-de/2", "ADJ-2026-09-53a78200-DE/2"),
        ("refund-2026-09-wortgem-9f86d081", "REFUND-2026-09-WORTGEM-9f86d081"),
        ("hc-gb-000001", "HC-GB-000001"),
    ],
)
def test_the_digest_in_an_id_stays_in_small_letters(written, meant):
    with pytest.raises(RefusalError) as refusal, cased([written]):
        raise refused("UNKNOWN_PAYMENT", f"No such payment. ({written})")

    assert refusal.value.message.endswith(f"Ids are in capitals: {meant}?")


def test_an_id_with_a_digest_as_it_was_issued_gets_no_hint():
    with pytest.raises(RefusalError) as refusal, cased(["ADJ-2026-09-53a78200-DE"]):
        raise refused("PAYMENT_STATE", "ADJ-2026-09-53a78200-DE is BOOKED")

    assert refusal.value.message == "ADJ-2026-09-53a78200-DE is BOOKED"
