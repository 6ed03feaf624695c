"""Which pages of two small sites are open to a use, from SETTLEMENT alone and nothing of ours.

Two members of one collective hold claims; what is said stands in plain rows. Matching is naive: by
text, on the few addresses that the tests know. Used to judge what the servers answer.
"""

from typing import NamedTuple

from tests.consent.oracle import is_open

CLAIMED = {  # claim: its member
    ("x.example", "/"): "m1",
    ("x.example", "/a"): "m2",
    ("*.y.example", "/"): "m1",
    ("copy.example", "/"): "m2",  # whose original is x.example/a/b
}
CANONICAL = {"https://copy.example/": "https://x.example/a/b"}
PAGES = [
    "https://x.example/",
    "https://x.example/a",
    "https://x.example/a/b",
    "https://x.example/ab",
    "https://w.y.example/a",
    "https://copy.example/",
    "https://nobodys.example/a",
]
SUBJECTS = [
    "member:m1",
    "member:m2",
    "x.example/",
    "x.example/a",
    "x.example/a$",
    "x.example/a/b$",
    "*.y.example/a",
    "*.example/",
    "nobodys.example/a",
]
PATTERNS = ["x.example/a*", "x.example/*b$", "x.example/", "x.example/a", "x.example/a$"]


class Said(NamedTuple):
    """A row: of which subject, and what; `length` is that of a published rule's pattern."""

    subject: str
    state: str
    use: str
    effective_at: object
    ends_at: object
    source: str | None
    length: int = 0
    since: object = None


def is_page_open(page, said, use, at):
    """Tell whether nothing refuses a page, nor the page that it is a copy of."""
    original = CANONICAL.get(page)
    return all(_is_open(one, said, use, at) for one in (page, original) if one is not None)


def _is_open(page, said, use, at):
    host, path = page.removeprefix("https://").partition("/")[::2]
    path = "/" + path
    member = _claimant(host, path)
    matching = [(_rank(one.subject, host, path), one) for one in said]
    matching = [(rank, one) for rank, one in matching if rank is not None]
    matching += [((9, 0, ""), one) for one in said if one.subject == f"member:{member}"]
    ranks = sorted({rank for rank, _ in matching})
    groups = [[one for at_rank, one in matching if at_rank == rank] for rank in ranks]
    return is_open(groups, use, at)


def _claimant(host, path):
    found = [
        (_rank(claim_host + claim_path, host, path), member)
        for (claim_host, claim_path), member in CLAIMED.items()
    ]
    return min((one for one in found if one[0] is not None), default=(None, None))[1]


def _rank(subject, host, path):
    """Return how specific a matching subject is, the smallest the most; None if none matches."""
    if subject.startswith("member:"):
        return None
    subject_host, _, subject_path = subject.partition("/")
    subject_path = "/" + subject_path
    parent = subject_host.removeprefix("*.")
    is_wild = subject_host.startswith("*.")
    if not (host == parent or (is_wild and host.endswith("." + parent))):
        return None
    on_host = (1, -len(parent)) if is_wild else (0, 0)
    if "*" in subject_path:
        return (*on_host, 2, subject_path) if _fits(subject_path, path) else None
    if subject_path.endswith("$"):
        return (*on_host, 0, "") if path == subject_path[:-1] else None
    below = subject_path if subject_path.endswith("/") else subject_path + "/"
    if path != subject_path and not path.startswith(below):
        return None
    return (*on_host, 1, f"{9999 - len(subject_path)}")


def _fits(pattern, path):
    """Match the two patterns that the tests use, spelled out."""
    if pattern == "/a*":
        return path.startswith("/a")
    assert pattern == "/*b$"
    return path.endswith("b")
