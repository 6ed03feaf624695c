"""Which pages of two small sites are open to a use, from SETTLEMENT alone and nothing of ours.

Two members of one collective hold claims, one of them both; what is said stands in plain rows.
Matching is naive: by text, on the few addresses that the tests know. Used to judge what the servers
answer.
"""

from typing import NamedTuple

from tests.consent.oracle import is_open

CLAIMED = [  # claim, its member
    ("x.example", "/", "m1"),
    ("x.example", "/a", "m2"),
    ("x.example", "/both", "m1"),  # which two hold
    ("x.example", "/both", "m2"),
    ("*.y.example", "/", "m1"),
    ("copy.example", "/", "m2"),  # whose original is x.example/a/b
]
CANONICAL = {"https://copy.example/": "https://x.example/a/b"}
NOBODYS = "https://nobodys.example/a"
PAGES = [
    "https://x.example/",
    "https://x.example/a",
    "https://x.example/a/b",
    "https://x.example/ab",
    "https://x.example/both/1",
    "https://y.example/a",
    "https://w.y.example/a",
    "https://copy.example/",
    NOBODYS,
]
ODD = [  # spellings by which an application may be asked for x.example/a/b
    "https://x.example/%61/b",
    "https://x.example//a/b",
    "https://x.example/a%2Fb",
    "https://x.example/A/b",
    "https://x.example/a;v=1/b",
    "https://x.example/c/../a/./b",
    "https://X.EXAMPLE:443/a/b?c=d",
]
MEANT = "https://x.example/a/b"
SUBJECTS = [
    "member:m1",
    "member:m2",
    "x.example/",
    "x.example/a",
    "x.example/a$",
    "x.example/a/b$",
    "x.example/both",
    "*.y.example/a",
    "*.example/",
    "nobodys.example/a",
]
PARTY = "party-"  # how the source of a record begins that is a party's, told page by page
OF_PARTIES = ["x.example/a$", "x.example/a/b$", "x.example/both/1$", "nobodys.example/a$"]
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
    matching = [(_rank(one.subject, host, path), one) for one in said]
    matching = [(rank, one) for rank, one in matching if rank is not None]
    return all(
        is_open(_groups(matching, member, said), use, at)
        for member in _claimants(host, path) or [None]
    )


def _groups(matching, member, said):
    """Put what bears on a page of a member in order: what a party says comes last."""
    last = (9, 0, "")
    all_ = [(last if (one.source or "").startswith(PARTY) else at, one) for at, one in matching]
    all_ += [(last, one) for one in said if one.subject == f"member:{member}"]
    ranks = sorted({rank for rank, _ in all_})
    return [[one for at_rank, one in all_ if at_rank == rank] for rank in ranks]


def _claimants(host, path):
    found = [(_rank(h + p, host, path), member) for h, p, member in CLAIMED]
    first = min((rank for rank, _ in found if rank is not None), default=None)
    return [member for rank, member in found if rank == first is not None]


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
