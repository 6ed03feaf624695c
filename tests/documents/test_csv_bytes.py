"""No cell of a CSV file is a formula, in whatever file it stands."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import federation
from federation.documents.csv_bytes import csv_bytes
from federation.documents.sheet import Sheet
from federation.documents.statement_files import statement_csv, statement_json
from federation.tabular import harmless
from tests.documents.statements import GB_LICENCE, a_statement

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "-", "+"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_begins_like_a_formula_is_shown_with_an_apostrophe(cell):
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "-1", "+1", "-0.05", "12.34", "a=b", "'=1", "m-1", "1-2"])
def test_numbers_and_other_texts_stay_as_they_are(cell):
    assert harmless(cell) == cell


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=1), max_size=5))
def test_every_cell_is_a_number_or_begins_with_nothing_dangerous(rows):
    written = csv.reader(io.StringIO(csv_bytes(rows).decode(), newline=""))

    for cell in (cell for row in written for cell in row):
        is_number = cell.removeprefix("-").removeprefix("+").replace(".", "").isdecimal()
        assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_sheet_has_no_formula_in_its_head_or_its_lines():
    line = {"name": "=1+1", "currency": "EUR", "amount": -5}
    sheet = Sheet(
        number="1",
        head={"reason": "@SUM(1)"},
        texts=("name", "currency"),
        amounts=("amount",),
        lines=[line],
    )

    body = sheet.as_csv().decode()

    assert "head,reason,'@SUM(1)" in body
    assert "line,1,'=1+1,EUR,-0.05,-5" in body
    assert b'"=1+1"' in sheet.as_json()


def test_a_statement_has_no_formula_and_its_json_every_byte():
    statement = a_statement(GB_LICENCE, "JP")
    lines = [replace(line, use="@SUM(1)") for line in statement.lines]
    statement = replace(statement, lines=lines)

    assert b",'@SUM(1)," in statement_csv(statement)
    assert b",@SUM(1)," not in statement_csv(statement)
    assert b'"use":"@SUM(1)"' in statement_json(statement)


def test_csv_is_written_in_one_place():
    """The scenario writes tables for a server to read back, which must have every byte."""
    root = Path(federation.__file__).parent
    writers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "csv.writer" in path.read_text(encoding="utf-8")
    }

    assert writers == {
        "documents/csv_bytes.py",
        "registryfiles/writers.py",  # files that a node reads back, every byte as it is
        "registryimports/verdicts.py",
        "scenario/story.py",
    }
