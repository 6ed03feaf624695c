"""Every example of the settlement rules is carried out by the product and comes out as it says.

An example is a block of ```python with `>>>` before what is asked, or a row of a table whose first
two headings are a name in backticks and `gives`: the first cell holds what the name is called with.
"""

import ast
import doctest
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs import rules_names

RULES = Path(__file__).parent.parent.parent / "docs" / "settlement-rules.md"
TEXT = RULES.read_text(encoding="utf-8")
WIDTH_MAX = 120

SECTION = re.compile(r"^## ", re.MULTILINE)
NOT_IN_FORCE = ["3.18", "3.19", "3.20"]
FENCE = re.compile(r"^```(.*)$", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^\| `(\w+)` \| gives \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", re.MULTILINE)
CITATION = re.compile(r"SETTLEMENT §(\d(?:\.\d+|[a-z])?)")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Row:
    """A row of a table of examples."""

    name: str
    asked: str
    answer: str

    def asks(self):
        """Return what the product answers."""
        arguments = ast.literal_eval(f"({self.asked},)")
        return str(getattr(rules_names, self.name)(*arguments))


def names():
    return {name: getattr(rules_names, name) for name in rules_names.__all__}


def sections(text):
    """Return {number: text} of the sections with a number."""
    return {part[1]: part for part in SECTION.split(text) if part.startswith("§")}


def rows(text):
    return [
        Row(table[1], *(cell.strip().strip("`").replace(r"\|", "|") for cell in cells[:2]))
        for table in TABLE.finditer(text)
        for cells in (CELL.split(line)[1:-1] for line in table[2].splitlines())
    ]


def as_doctest(text):
    """Return the blocks of a section as one test, one after the other."""
    source = "\n".join(match[1] for match in BLOCK.finditer(text))
    return doctest.DocTestParser().get_doctest(source, {}, "rules", None, None)


def outcome(test):
    """Run a test; return what came out otherwise."""
    test.globs = names()
    found = []
    doctest.DocTestRunner(verbose=False).run(test, out=found.append)
    return found


def changed(answer):
    """Return an answer with another last digit; one without digits with a letter more."""
    another = re.sub(r"[0-9](?=[^0-9]*\Z)", lambda digit: str((int(digit[0]) + 1) % 10), answer)
    return another if another != answer else f"x{answer}"


@pytest.mark.parametrize("number", sections(TEXT))
def test_every_question_of_a_section_has_the_answer_below_it(number):
    assert outcome(as_doctest(sections(TEXT)[number])) == []


@pytest.mark.parametrize("row", rows(TEXT), ids=lambda row: f"{row.name} {row.asked}")
def test_every_row_of_a_table_gives_what_it_says(row):
    assert row.asks() == row.answer


def test_an_error_in_a_block_is_found():
    [found] = outcome(as_doctest("```python\n>>> parts(12_345, 300)\n370\n```\n"))

    assert "NameError: name 'parts' is not defined" in found


def test_a_wrong_answer_in_a_table_is_found():
    text = '| `url_key` | gives |\n|---|---|\n| `"http://a.example"` | `a.example/b` |\n'
    [row] = rows(text)

    assert (row.asks(), row.answer) == ("a.example/", "a.example/b")


@pytest.mark.parametrize("number", sections(TEXT))
def test_each_answer_of_a_section_is_held_to_its_last_digit(number):
    """Change one answer at a time: that one comes out otherwise, and no other."""
    test = as_doctest(sections(TEXT)[number])
    for example in [example for example in test.examples if example.want]:
        right, example.want = example.want, changed(example.want)
        found = outcome(test)
        example.want = right

        assert len(found) == 1, found
        assert f"Expected:\n    {changed(right).splitlines()[0]}\n" in found[0]


def test_every_example_is_of_one_of_the_two_forms():
    opening, closing = FENCE.findall(TEXT)[::2], FENCE.findall(TEXT)[1::2]
    headings = re.findall(r"^\| `.*", TEXT, re.MULTILINE)
    of_tables = [line for table in TABLE.finditer(TEXT) for line in table[0].splitlines()]

    assert set(opening) == {"python"}
    assert set(closing) == {""}
    assert len(opening) == len(BLOCK.findall(TEXT))
    assert all(block.startswith(">>> ") for block in BLOCK.findall(TEXT))
    assert [line for line in headings if line not in of_tables] == []
    assert "```" not in SECTION.split(TEXT)[0]


def test_the_sections_are_numbered_from_0_to_8_and_their_rules_in_order():
    numbers = re.findall(r"^### (\S+) ", TEXT, re.MULTILINE)
    by_section = {
        number: re.findall(r"^### (\S+) ", text, re.MULTILINE)
        for number, text in sections(TEXT).items()
    }

    assert list(by_section) == list("012345678")
    assert len(set(numbers)) == len(numbers)
    for number, rules in by_section.items():
        start = 0 if number in "37" else 1
        later = NOT_IN_FORCE if number == "3" else []
        counted = [f"{number}.{n}" for n in range(start, start + len(rules) + len(later))]
        in_force = [rule for rule in counted if rule not in later]
        assert rules == (["7.0", "7a", "7b", "7c"] if number == "7" else in_force)
    assert re.findall(r"^### (\S+) ", SECTION.split(TEXT)[-1], re.MULTILINE) == NOT_IN_FORCE


def test_every_state_of_a_payment_is_named():
    product = RULES.parent.parent / "federation"
    states = re.findall(
        r"^    ([A-Z_]+): frozenset", (product / "payments/states.py").read_text(), re.MULTILINE
    )
    rule = TEXT.split("### 8.1 ")[1].split("### 8.2 ")[0]

    assert len(states) == 10
    assert [x for x in states if f"*{x.lower().replace('_', ' ')}*" not in rule] == []


def test_every_rule_that_the_product_cites_stands_here():
    modules = (RULES.parent.parent / "federation").rglob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in modules]
    cited = {number for text in texts for number in CITATION.findall(text)}
    standing = {*sections(TEXT), *re.findall(r"^### (\S+) ", TEXT, re.MULTILINE)}

    assert {"0", "3.5", "7c"} <= cited
    assert cited - standing == set()


def test_a_line_holds_at_most_120_characters():
    assert [line for line in TEXT.splitlines() if len(line) > WIDTH_MAX] == []
