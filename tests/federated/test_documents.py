"""Documents named by their SHA-256: for who sent them, whole once, within bounds."""

import pytest

from federation.federated.documents import (
    ALL_CHARACTERS_MAX,
    CHARACTERS_MAX,
    KEPT_MAX,
    LENGTH_MAX,
    TRUSTED_MAX,
    BadDocumentIdError,
    DocumentNotKnownError,
    Documents,
    TrustedDocumentsError,
    document_id,
    read_trusted,
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


def test_of_all_senders_together_whoever_has_most_gives_way():
    size = LENGTH_MAX
    documents = kept(["{ a }"], sender="small")
    each = CHARACTERS_MAX // size
    for sender in range(ALL_CHARACTERS_MAX // CHARACTERS_MAX):
        for number in range(each):
            text = f"{sender} {number} ".ljust(size, "#")
            documents.keep(f"large-{sender}", document_id(text), text)

    def of(sender, number):
        return is_known(documents, f"{sender} {number} ".ljust(size, "#"), f"large-{sender}")

    assert is_known(documents, "{ a }", sender="small")
    # Five characters too many cost one document: of the first that has as much as any other.
    assert [of(sender, 0) for sender in range(4)] == [False, True, True, True]
    assert all(of(sender, number) for sender in range(4) for number in range(1, each))


def test_trusted_documents_are_the_files_of_a_folder_by_the_ids_of_their_bytes(tmp_path):
    (tmp_path / "a.graphql").write_bytes("{ a } # é\r\n".encode())
    (tmp_path / "b.graphql").write_text("{ b }")
    (tmp_path / "README.md").write_text("nothing")

    assert read_trusted(tmp_path) == {
        document_id("{ a } # é\r\n"): "{ a } # é\r\n",
        document_id("{ b }"): "{ b }",
    }


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "0 files .graphql, of 1 to 1000"),
        ({f"{n}.graphql": b"{ a }" for n in range(TRUSTED_MAX + 1)}, "1001 files"),
        ({"a.graphql": b"\xff"}, "a.graphql: it cannot be read"),
        ({"a.graphql": b"#" * (LENGTH_MAX + 1)}, "a.graphql: more than 65536 characters"),
    ],
)
def test_a_folder_that_is_not_understood_whole_is_refused(tmp_path, files, reason):
    for name, text in files.items():
        (tmp_path / name).write_bytes(text)

    with pytest.raises(TrustedDocumentsError, match=reason):
        read_trusted(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TrustedDocumentsError, match="none: No such file or directory"):
        read_trusted(tmp_path / "none")
