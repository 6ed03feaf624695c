"""The tour names what is there: every path, every name in its file, every room and its place."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "federation"
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
CODED = sorted(set(re.findall(r"`([^`\n]+)`", TOUR)))
PATHS = [text for text in CODED if re.fullmatch(r"[a-z_/]+(\.py)?", text) and "/" in text]
NAMES = [text for text in CODED if re.fullmatch(r"_?[A-Za-z]+[A-Z_a-z]*", text)]
# `Name` or `Other` (`path.py`, `other.py`): each name stands in each of the files.
CODE, PATH = r"`[A-Za-z_]+`", r"`[a-z_/]+\.py`"
PLACED = re.compile(rf"({CODE}(?:(?:, | and | or ){CODE})*) \(({PATH}(?:, {PATH})*)\)")
OPENS = re.compile(r"\b(?:db|database)\.(?:read|write)\(")


def source():
    files = [*PRODUCT.rglob("*.py"), *PRODUCT.rglob("*.graphql")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def found(path):
    """Return where a path of the tour is: below the product, or below the root."""
    return next((at for at in (PRODUCT / path, ROOT / path) if at.exists()), None)


def placed(text):
    """Return (name, path) of every name that has its file beside it in parentheses."""
    return [
        (name, path)
        for names, paths in PLACED.findall(text)
        for name in names.replace("`", "").replace(" and ", ", ").replace(" or ", ", ").split(", ")
        for path in paths.replace("`", "").split(", ")
    ]


def stands_in(name, path):
    return re.search(rf"\b{name}\b", found(path).read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("path", PATHS)
def test_each_path_is_there(path):
    assert found(path) is not None


def test_each_name_stands_in_the_code():
    text = source()
    rooms = {path.stem for path in PRODUCT.iterdir()}
    known = {*rooms, *(name for name, _ in placed(TOUR))}
    assert [n for n in NAMES if not re.search(rf"\b{n}\b", text) and n not in known] == []


@pytest.mark.parametrize(("name", "path"), placed(TOUR))
def test_a_name_beside_a_path_stands_in_that_file(name, path):
    assert stands_in(name, path)


def test_a_name_beside_the_wrong_path_is_found():
    pairs = placed("`Plan` and `Tier` (`values/plan.py`, `money.py`)")

    assert pairs == [(n, p) for n in ("Plan", "Tier") for p in ("values/plan.py", "money.py")]
    assert [stands_in(*pair) for pair in pairs] == [True, False, True, False]


def test_the_rooms_stand_in_the_order_that_is_held():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = config["tool"]["importlinter"]["contracts"][0]
    drawn = TOUR.split("```text\n")[1].split("```")[0].splitlines()
    shown = [re.split(r"\s{2,}", line)[0] for line in drawn]

    assert [line.replace(".py", "") for line in shown] == contract["layers"]
    assert [room for line in shown for room in re.split(r" [|:] ", line) if not found(room)] == []


def test_transactions_are_opened_where_the_tour_says():
    opened = {
        path.relative_to(PRODUCT).parts[0]
        for path in PRODUCT.rglob("*.py")
        if OPENS.search(path.read_text(encoding="utf-8"))
    }
    [sentence] = re.findall(r"A transaction is opened with .*", TOUR)
    named = {name for name in re.findall(r"`(\w+)`", sentence) if (PRODUCT / name).is_dir()}

    assert opened - {"store"} == named


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("tables.py", "__tablename__"),
        ("store.py", "from sqlalchemy"),
        ("messages.py", r"class \w+\((Message|UsageMessage|RunMessage|msgspec\.Struct)"),
        ("worklist.py", "WorkItem"),
    ],
)
def test_modules_of_one_name_hold_one_thing(name, holds):
    texts = {path: path.read_text(encoding="utf-8") for path in PRODUCT.glob(f"*/{name}")}

    assert texts
    assert [path for path, text in texts.items() if not re.search(holds, text)] == []


READMES = sorted(PRODUCT.glob("*/README.md"))


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_a_readme_of_a_room_names_what_is_there_and_is_linked(readme):
    text = readme.read_text(encoding="utf-8")
    modules = [name for name in re.findall(r"`([a-z_/]+\.py)`", text) if "/" not in name]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]

    assert [name for name in modules if not (readme.parent / name).exists()] == []
    assert [link for link in links if not (readme.parent / link).exists()] == []
    assert f"(../{readme.relative_to(ROOT)})" in TOUR


def test_every_page_and_decision_that_code_names_is_there():
    text = source()
    pages = set(re.findall(r"[\w/-]+\.md\b", text))
    decisions = set(re.findall(r"[Dd]ecisions? (?:record )?(\d{1,4})\b", text))
    here = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *PRODUCT.rglob("*.md")]

    assert {"docs/invariants.md"} <= pages
    assert [x for x in pages if not any(str(path).endswith(f"/{x}") for path in here)] == []
    assert [n for n in decisions if not [*ROOT.glob(f"docs/decisions/{n:0>4}-*.md")]] == []


def test_every_link_of_the_tour_leads_somewhere():
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", TOUR)]

    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
