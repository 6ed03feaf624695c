"""Papers of documents as they were issued, and of licences as they were signed. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from federation.errors import RefusalError
from federation.papers.contracts import contract_paper
from federation.papers.node_statements import statement_paper
from federation.papers.paper import Paper
from federation.papers.sheets import sheet_paper
from federation.store.canonical import sha256_hex


def document_pdf(body: bytes) -> bytes | None:
    """Return a document as PDF, of the bytes it was issued in; None where it is of another kind.

    The same bytes give the same PDF. It says what they say and nothing else.
    """
    return _pdf(paper_of(body))


def licence_pdf(signed: str) -> bytes | None:
    """Return a licence's contract as PDF, of what its licensor signed; None if it is no licence."""
    return _pdf(contract_of(signed))


def paper_of(body: bytes) -> Paper | None:
    """Return what the paper of a document says; None where it is of another kind, or broken."""
    said = f"This paper shows a document whose bytes (JSON) have the SHA-256 {sha256_hex(body)}."

    def written() -> Paper | None:
        raw = msgspec.json.decode(body, type=dict[str, Any])
        return statement_paper(raw, said) if "statement_no" in raw else sheet_paper(raw, said)

    return _unless_broken(written)


def contract_of(signed: str) -> Paper | None:
    """Return what the contract of a signed licence says; None if it is no licence."""
    said = (
        "This paper shows a licence whose signed form (JWS) has the SHA-256 "
        f"{sha256_hex(signed.encode())}. Where the two differ, what was signed is the contract. "
        "Whether its licensor signed it, the licensor's published key tells, and not this paper."
    )
    return _unless_broken(lambda: contract_paper(signed, said))


def _unless_broken(write: Callable[[], Paper | None]) -> Paper | None:
    try:
        return write()
    except (ValueError, KeyError, RecursionError, RefusalError):  # msgspec's are ValueErrors
        return None


def _pdf(paper: Paper | None) -> bytes | None:
    if paper is None:
        return None
    from federation.papers.pdf import pdf  # noqa: PLC0415 - a tenth of a second at each start

    return pdf(paper)
