"""The glossary names what is there: every name in code, and every page it links to."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
TEXT = (DOCS / "glossary.md").read_text(encoding="utf-8")

IN_CODE = re.compile(r"^- In code: (.*(?:\n  .*)*)", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")
TABLE_NAME = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")
PLACEHOLDER = re.compile(r"<[^>]+>.*")  # Suspense:<Reason>: what stands before it is looked for


def product():
    suffixes = {".py", ".graphql", ".toml", ".md"}
    files = [path for path in (ROOT / "federation").rglob("*") if path.suffix in suffixes]
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(files))


def named(text):
    found = [name for part in IN_CODE.findall(text) for name in NAME.findall(part)]
    return sorted({*found, *TABLE_NAME.findall(text)})


def is_in(name, text):
    start = PLACEHOLDER.sub("", name)
    after = r"(?!\w)" if start == name and not name.startswith("_") else ""
    before = r"(?<!\w)" if start[0].isalpha() else ""
    whole, at = re.compile(before + re.escape(start) + after), text.find(start)
    while at >= 0:  # of megabytes, looked at where it stands only
        if whole.match(text, at):
            return True
        at = text.find(start, at + 1)
    return False


def anchors(page):
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_name_in_code_is_there():
    text = product()

    assert [name for name in named(TEXT) if not is_in(name, text)] == []


def test_a_name_that_is_not_there_is_found():
    names = named("- In code: `Licence`,\n  `Licences`\n\nwords\n\n| `lab` | x |\n")

    assert names == ["Licence", "Licences", "lab"]
    assert [name for name in names if not is_in(name, "class Licence: lab")] == ["Licences"]


PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.glob("*.md"))
PAGES += ["../README.md", "../kit/javascript/README.md", "../federation/gate/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    text = CODE.sub("", (DOCS / page).read_text(encoding="utf-8"))
    folder, wrong = (DOCS / page).parent, []
    for link in (link for link in LINK.findall(text) if not link.startswith("https:")):
        file, _, anchor = link.partition("#")
        there = (folder / file) if file else DOCS / page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(link)

    assert wrong == []


def test_every_rule_that_is_cited_is_a_rule():
    rules = (DOCS / "settlement-rules.md").read_text(encoding="utf-8")
    numbers = set(re.findall(r"^###? §?(\S+) ", rules, re.MULTILINE))
    cited = set(re.findall(r"§+(\d[\d.a-c]*[\da-c]|\d)", TEXT + rules))

    assert cited - numbers == set()


def test_a_word_stands_in_the_glossary_once():
    words = re.findall(r"^\*\*[^:\n]*", TEXT, re.MULTILINE)
    names = [name for line in words for name in re.findall(r"\*\*([^*]+)\*\*", line)]

    assert len(set(names)) == len(names)
