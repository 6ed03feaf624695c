"""The handbook shows both ways: below what the shell does stands where the console has it."""

import re

import pytest

from federation.console import words
from federation.console.page import FOLDER
from federation.console.pages import PAGES
from tests.handbook.runner import HANDBOOK

TEXT = HANDBOOK.read_text(encoding="utf-8")
SAID = "In the console: "
WAYS = sorted(
    {
        way
        for line in TEXT.splitlines()
        if line.startswith(SAID)
        for way in line.removeprefix(SAID).removesuffix(".").split("; ")
    }
)
WORDS = re.compile(r'_\("([^"]+)"|{% trans[^%]*%}(.+?){%')


def words_on(page) -> set[str]:
    """Return what the template of a page says."""
    text = (FOLDER / page.template).read_text(encoding="utf-8")
    return {said for both in WORDS.findall(text) for said in both if said}


def missing(way: str) -> str | None:
    """Return what the console has not of a way through it: group, page, pages from there, words."""
    group, *rest = way.split(" > ")
    at = [page for page in PAGES if page.group == group]
    if not at:
        return group
    for name in rest:
        pages = [page for page in PAGES if page.title == name and page.group in {group, None}]
        if not pages and not any(name in words_on(page) for page in at):
            return name
        at = pages or at
    return None


@pytest.mark.parametrize("way", WAYS)
def test_a_page_that_the_handbook_names_is_there(way):
    assert missing(way) is None


@pytest.mark.parametrize(
    ("way", "lacks"),
    [
        ("Nothing > The month", "Nothing"),
        ("Settlement > The week", "The week"),
        ("Settlement > Payments > Cut off", "Cut off"),
        (f"{words.RECONCILIATION} > Bank and books > Advise", "Advise"),
    ],
)
def test_a_page_or_button_that_is_not_there_is_found(way, lacks):
    assert missing(way) == lacks


def test_below_all_that_people_do_in_the_shell_stands_where_the_console_has_it():
    blocks = re.findall(r"^```console\n(.*?)^```\n(\n[^\n]*)?", TEXT, re.DOTALL | re.MULTILINE)

    assert [
        body.partition("\n")[0]
        for body, after in blocks
        if "$ ./as " in body and not after.startswith(f"\n{SAID}")
    ] == []
    assert len(WAYS) > 30
