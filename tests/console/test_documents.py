"""What pages ask is valid GraphQL of each server that has them, and each text has its German."""

import pytest
from graphql import parse, validate

from federation.console.language import SOURCE, languages
from federation.console.pages import PAGES
from federation.schema.hub import schema as hub
from federation.schema.node import schema as node
from tools.catalogues import untranslated

SCHEMAS = {"hub": hub._schema, "node": node._schema}
DOCUMENTS = {
    (role, document.path): document
    for page in PAGES
    for role in page.at
    for document in (page.document, *(act.document for act in page.acts))
}


@pytest.mark.parametrize(("role", "path"), DOCUMENTS)
def test_a_document_of_a_page_is_valid_where_the_page_is(role, path):
    assert validate(SCHEMAS[role], parse(DOCUMENTS[role, path].text)) == []


@pytest.mark.parametrize("language", [each for each in languages() if each != SOURCE])
def test_every_text_is_translated(language):
    assert list(untranslated(language)) == []
