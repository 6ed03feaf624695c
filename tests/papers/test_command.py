"""`federation paper` writes a PDF in place of nothing else."""

import pytest

from federation.cli.paper import NotLaidOutError, PaperThereError, paper
from federation.papers.service import document_pdf
from tests.papers.invoices import an_invoice


def lay_out(*arguments):
    paper.main([str(each) for each in arguments], standalone_mode=False)


def test_a_paper_is_written_beside_its_document_again_and_where_it_is_told(tmp_path):
    file, body = tmp_path / "INV-HUB-000001.json", an_invoice()
    file.write_bytes(body)

    for arguments in ((file,), (file,), (file, "--to", tmp_path / "other.pdf")):
        lay_out(*arguments)

    written = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert written == {
        "INV-HUB-000001.json": body,
        "INV-HUB-000001.pdf": document_pdf(body),
        "other.pdf": document_pdf(body),
    }


@pytest.mark.parametrize("name", ["kept.json", "kept.pdf"])
def test_what_stands_where_the_paper_would_is_left_alone(tmp_path, name):
    scan = tmp_path / "kept.pdf"
    scan.write_bytes(b"signed by both")
    (tmp_path / name).write_bytes(an_invoice())
    before = scan.read_bytes()

    with pytest.raises(PaperThereError, match=r"kept\.pdf: name another one with --to"):
        lay_out(tmp_path / name)

    assert scan.read_bytes() == before


@pytest.mark.parametrize("body", [b"", b"\xff\xfe{}", b"no licence"])
def test_of_what_is_no_document_no_paper_is_written(tmp_path, body):
    file = tmp_path / "kept.json"
    file.write_bytes(body)

    with pytest.raises(NotLaidOutError, match=r"kept\.json"):
        lay_out(file)

    assert list(tmp_path.iterdir()) == [file]
