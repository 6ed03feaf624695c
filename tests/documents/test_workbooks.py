"""A workbook has what its CSV file has; a number in it is exactly the one in the file."""

import io
import zipfile

import pytest
from lxml import etree

from federation.documents import workbooks
from federation.documents.csv_bytes import csv_bytes
from federation.documents.workbooks import TooManyRowsError, write_workbook

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def written(rows, folder):
    out = io.BytesIO()
    write_workbook(io.BytesIO(csv_bytes(rows)), out, folder)
    return out.getvalue()


def cells_of(body):
    """Return {A1: (kind, what is in it)}, kinds being text, number and formula, and the formats."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        sheet = etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        styles = etree.fromstring(archive.read("xl/styles.xml"))
        names = archive.namelist()
    found = {}
    for cell in sheet.iterfind(".//m:c", NS):
        text = "".join(cell.itertext())
        kind = "text" if cell.get("t") == "inlineStr" else "number"
        found[cell.get("r")] = ("formula" if cell.find("m:f", NS) is not None else kind, text)
    formats = [each.get("formatCode") for each in styles.iterfind(".//m:numFmt", NS)]
    return found, formats, names


def test_amounts_and_counts_are_numbers_where_they_are_exact_and_all_else_is_text(tmp_path):
    rows = [
        ["name", "licence", "units", "amount", "fee", "amount_minor", "fee_minor"],
        ["=1+1", "000123", "3000", "-1234567890123.45", "12", "-123456789012345", "12"],
        ["http://x.example", "12.50", "", "12345678901234.56", "1.234", "1234567890123456", "1234"],
        ["@SUM(1)", "-5", "many", "1e5", "", "", ""],
    ]

    cells, formats, names = cells_of(written(rows, tmp_path))

    assert [cells[f"{column}1"] for column in "ADG"] == [
        ("text", "name"),
        ("text", "amount"),
        ("text", "fee_minor"),
    ]
    assert [cells.get(f"{column}2") for column in "ABCDEFG"] == [
        ("text", "'=1+1"),
        ("text", "000123"),
        ("number", "3000"),
        ("number", "-1234567890123.45"),
        ("number", "12"),
        ("number", "-123456789012345"),
        ("number", "12"),
    ]
    assert [cells.get(f"{column}3") for column in "ABCDEFG"] == [
        ("text", "http://x.example"),
        ("text", "12.50"),
        None,
        ("text", "12345678901234.56"),
        ("number", "1.234"),
        ("text", "1234567890123456"),
        ("number", "1234"),
    ]
    assert [cells.get(f"{column}4") for column in "ABCDE"] == [
        ("text", "'@SUM(1)"),
        ("text", "-5"),
        ("text", "many"),
        ("text", "1e5"),
        None,
    ]
    assert set(formats) <= {"#,##0", "#,##0.00", "#,##0.000"}
    assert not [name for name in names if "rels/sheet" in name]  # no link to anywhere


def test_a_table_of_too_many_rows_is_refused_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "ROWS_MAX", 3)
    rows = [["amount", "amount_minor"], *[["0.01", "1"]] * 3]

    assert len(cells_of(written(rows, tmp_path))[0]) == 8
    with pytest.raises(TooManyRowsError, match="more than 3"):
        written([*rows, ["0.01", "1"]], tmp_path)
    assert list(tmp_path.iterdir()) == []
