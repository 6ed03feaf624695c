"""Documents named by their SHA-256: for who sent them, whole once, within bounds."""

import pytest

from federation.federated.documents import (
    CHARACTERS_MAX,
    KEPT_MAX,
    LENGTH_MAX,
    BadDocumentIdError,
    DocumentNotKnownError,
    Documents,
    document_id,
)


def kept(texts, sender="hub"):
    documents = Documents()
    for text in texts:
        documents.keep(sender, document_id(text), text)
    return documents


def is_known(documents, text, sender="hub"):
    try:
        return documents.get(sender, document_id(text)) == text
    except DocumentNotKnownError:
        return False


def test_a_document_is_named_by_who_sent_it_alone():
    documents = kept(["{ a }"])

    assert is_known(documents, "{ a }")
    assert not is_known(documents, "{ a }", sender="other")
    assert not is_known(documents, "{ b }")


@pytest.mark.parametrize("name", ["", "{ a }", document_id("{ b }"), document_id("{ a }").upper()])
def test_a_document_is_kept_under_its_own_id_only(name):
    documents = Documents()
    with pytest.raises(BadDocumentIdError):
        documents.keep("hub", name, "{ a }")
    with pytest.raises(DocumentNotKnownError):
        documents.get("hub", name)


def test_so_many_are_kept_the_ones_named_last():
    texts = [f"{{ a{number} }}" for number in range(KEPT_MAX)]
    documents = kept(texts)
    assert is_known(documents, texts[0])
    documents.keep("hub", document_id("{ b }"), "{ b }")

    assert [is_known(documents, text) for text in (texts[0], texts[1], "{ b }")] == [
        True,
        False,
        True,
    ]


def test_so_many_characters_are_kept_and_none_of_one_that_is_too_long():
    size = CHARACTERS_MAX // 40
    texts = [f"{number:02}" + "#" * (size - 2) for number in range(41)]
    documents = kept(texts)

    assert [is_known(documents, text) for text in texts[:2]] == [False, True]
    assert not is_known(kept(["#" * (LENGTH_MAX + 1)]), "#" * (LENGTH_MAX + 1))
