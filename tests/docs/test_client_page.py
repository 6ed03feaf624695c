"""Each program of docs/client.md is a file whose types are checked, and names what is there."""

import ast
import re
from pathlib import Path

import federation_client
from federation_client import AsyncLab

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_each_program_is_one_whose_types_are_checked():
    files = (ROOT / "kit" / "client" / "examples").glob("*.py")
    texts = [file.read_text(encoding="utf-8") for file in files]

    assert sorted(text.split('"""\n\n', 1)[1] for text in texts) == sorted(PROGRAMS)


def test_the_table_has_every_method():
    rows = re.findall(
        r"^\| (`[a-z].*?) \|", TEXT.split("## What it asks")[1].split("## Lists")[0], re.MULTILINE
    )
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)\(", row)}
    public = {name for name in vars(AsyncLab) if not name.startswith("_")}

    assert named == public - {"aclose", "rights_by_batch"}


def test_what_it_raises_is_there():
    rows = TEXT.split("## What it raises")[1].split("All but")[0]
    ours = set(re.findall(r"`([A-Za-z]+Error)`", rows))
    elsewhere = {"UnreachableError", "NoTokenError", "LicenceUnusableError", "NotMintedError"}

    assert ours - elsewhere == {
        name for name in federation_client.__all__ if name.endswith("Error")
    }


def test_the_programs_import_from_the_client_alone():
    for program in PROGRAMS:
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.ImportFrom):
                assert node.module in {"federation_client", "datetime", "pathlib"}
