"""One address has one key, whichever implementation reads it: tests/site/corpus/urls.json."""

import json

import pytest

from federation.addresses.matching import is_pattern
from tests.kit.javascript import bridge, needs_node
from tests.site.corpus import urls


@pytest.fixture(scope="module")
def gate():
    with bridge() as asked:
        yield asked


def test_the_file_is_what_python_says():
    made = json.loads(json.dumps(urls.vectors()))

    assert json.loads(urls.FILE.read_text("ascii")) == made


@needs_node
@pytest.mark.parametrize("kind", ["urls", "subjects"])
def test_javascript_gives_each_text_the_same_key_or_none(gate, kind):
    wanted = json.loads(urls.FILE.read_text("ascii"))[kind]

    found = gate.ask(kind, texts=[text for text, _ in wanted])

    assert [[text, key] for (text, _), key in zip(wanted, found, strict=True)] == wanted


@needs_node
def test_javascript_matches_the_same_patterns_and_prefixes(gate):
    wanted = json.loads(urls.FILE.read_text("ascii"))

    # A path without a mark is no pattern: it is filed as a claim is, segment by segment.
    wanted["patterns"] = [one for one in wanted["patterns"] if is_pattern(one[0])]
    for kind in ("patterns", "covers"):
        pairs = [pair for *pair, _ in wanted[kind]]
        assert gate.ask(kind, pairs=pairs) == [is_so for *_, is_so in wanted[kind]]


@needs_node
def test_javascript_takes_an_address_for_as_much_where_something_is_withheld(gate):
    wanted = json.loads(urls.FILE.read_text("ascii"))

    for kind, plain in (("readings", sorted), ("spellings", str)):
        found = gate.ask(kind, texts=[text for text, _ in wanted[kind]])
        assert [plain(read) for read in found] == [read for _, read in wanted[kind]]
