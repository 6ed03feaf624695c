"""Papers that prove something to a collective: of what kind, where they are kept, their digest."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from federation.values.fields import Fault, Fields, plain_text

PAPERS_MAX: Final = 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Paper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document by its kind (certificate of inheritance), reference and SHA-256 in hex."""

    kind: str
    reference: str
    sha256: str


_list: msgspec.json.Decoder[list[Paper]] = msgspec.json.Decoder(list[Paper])


def read_papers(fields: Fields, field: str, papers: Sequence[Paper]) -> tuple[Paper, ...]:
    """Read 1 to 20 papers, each of which says all three, or note what is wrong with them."""
    if not 1 <= len(papers) <= PAPERS_MAX:
        fields.faults.append(Fault(field, f"{len(papers)} in the place of 1 to {PAPERS_MAX}"))
        return ()
    found: list[Paper] = []
    for number, paper in enumerate(papers, start=1):
        name = f"{field}[{number}]"
        kind = fields.one(f"{name}.kind", paper.kind, plain_text)
        reference = fields.one(f"{name}.reference", paper.reference, plain_text)
        digest = fields.one(f"{name}.sha256", paper.sha256, sha256_text)
        found.append(Paper(kind or "", reference or "", digest or ""))
    if len(set(found)) < len(found):
        fields.faults.append(Fault(field, "a paper is named twice"))
    return tuple(found)


def sha256_text(text: str) -> str:
    """Return a SHA-256 in 64 lower-case hex digits; ValueError where it is none."""
    if _SHA256.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no SHA-256 in 64 lower-case hex digits")
    return text


def kept_papers(papers: Sequence[Paper]) -> str:
    """Return papers as they are kept."""
    return msgspec.json.encode(papers).decode()


def papers_of(text: str) -> list[Paper]:
    """Return papers that were kept."""
    return _list.decode(text)
