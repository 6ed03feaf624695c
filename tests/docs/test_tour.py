"""The tour names what is there: every path, every name, every room and its place."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
CODED = sorted(set(re.findall(r"`([^`\n]+)`", TOUR)))
PATHS = [text for text in CODED if re.fullmatch(r"[a-z_/]+(\.py)?", text) and "/" in text]
NAMES = [text for text in CODED if re.fullmatch(r"_?[A-Za-z]+[A-Z_a-z]*", text)]


def source():
    files = [*(ROOT / "federation").rglob("*.py"), *(ROOT / "federation").rglob("*.graphql")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("path", PATHS)
def test_each_path_is_there(path):
    assert (ROOT / "federation" / path).exists() or (ROOT / path).exists()


def test_each_name_stands_in_the_code():
    text = source()
    rooms = {path.stem for path in (ROOT / "federation").iterdir()}
    assert [n for n in NAMES if not re.search(rf"\b{n}\b", text) and n not in rooms] == []


def test_the_rooms_stand_in_the_order_that_is_held():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = config["tool"]["importlinter"]["contracts"][0]
    held = [re.split(r" [|:] ", layer) for layer in contract["layers"]]
    drawn = TOUR.split("```text\n")[1].split("```")[0].splitlines()
    shown = [re.split(r" [|:] ", re.split(r"\s{2,}", line)[0]) for line in drawn]

    assert [row for row in shown if row[-1] != "logs …"] == [r for r in held if "logs" not in r]
