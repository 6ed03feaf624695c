"""What pages ask is valid GraphQL of each server that has them, and each text has its German."""

import re

import pytest
from graphql import parse, validate

from federation.console.labs.webhooks import TYPES
from federation.console.language import SOURCE, languages
from federation.console.page import FOLDER
from federation.console.pages import PAGES
from federation.schema.hub import schema as hub
from federation.schema.node import schema as node
from federation.values.event import EventType
from tools.catalogues import untranslated

SCHEMAS = {"hub": hub._schema, "node": node._schema}
TEMPLATES = sorted(FOLDER.rglob("*.html"))
DOCUMENTS = {
    (role, document.path): document
    for page in PAGES
    for role in sorted(page.at)
    for document in (page.document, *(act.document for act in page.acts))
}


@pytest.mark.parametrize(("role", "path"), DOCUMENTS)
def test_a_document_of_a_page_is_valid_where_the_page_is(role, path):
    assert validate(SCHEMAS[role], parse(DOCUMENTS[role, path].text)) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_template_takes_no_text_that_it_was_given_for_html(template):
    text = template.read_text(encoding="utf-8")

    # Jinja takes what `_` is given for HTML, so that only a text of the template's own may be.
    assert re.findall(r"(?<!\w)_\((?!\").*", text) == []
    assert re.findall(r"{% trans[^{]*%\(", text) == []  # there it would be said as it is
    assert re.findall(r"\|\s*safe\b|autoescape|Markup", text) == []


@pytest.mark.parametrize("language", [each for each in languages() if each != SOURCE])
def test_every_text_is_translated(language):
    assert list(untranslated(language)) == []


def test_whoever_is_told_of_events_finds_a_word_for_each():
    assert list(TYPES) == [each.name for each in EventType]
