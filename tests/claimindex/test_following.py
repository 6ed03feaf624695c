"""A copy of the list decides as the claim index does that it was made of: random indexes of two."""

from datetime import UTC, date, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.urls import normalise_url
from federation.claimindex import index_store
from federation.claimindex.following import line_of
from federation.claimindex.messages import ClaimFact, OptOutFact, Slice, SliceClaim, SliceOptOut
from federation.claimindex.tables import IndexClaim, IndexOptOut
from federation.consent.listed import End, Head, written
from federation.consent.states import NO_USE, PARTY, State
from federation.crawler.withheld import WithheldList
from tests.hub.lists import seal

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR, TODAY = timedelta(hours=1), date(2026, 10, 1)
NODES, HOLDERS = ["DE", "FR"], ["h-1", "h-2"]
PLACES = [("x.example", path, wild) for path in ("/", "/a", "/a/b") for wild in (False, True)]
PLACES += [("y.x.example", "/a", False), ("copy.example", "/", False)]
PATTERNS = [("x.example", path, False) for path in ("/a$", "/a*", "/*b$", "/a/b$")]
URLS = [
    *("https://x.example/", "https://x.example/a", "https://x.example/a/b", "https://x.example/ab"),
    *("https://y.x.example/a/c", "https://copy.example/1", "https://nobody.example/"),
]
instants = st.integers(-2, 2).map(lambda hours: NOON + hours * HOUR)


@st.composite
def claims(draw):
    host, path, wildcard = draw(st.sampled_from(PLACES))
    return ClaimFact(
        claim_id=f"c-{draw(st.integers(0, 10**9))}",
        holder_id=draw(st.sampled_from(HOLDERS)),
        host=host,
        path=path,
        wildcard=wildcard,
        counts_from=draw(st.sampled_from([date(2026, 1, 1), TODAY, date(2026, 10, 2)])),
        counts_to=draw(st.sampled_from([None, TODAY, date(2026, 10, 2)])),
        content_tier="a",
        canonical=draw(st.sampled_from([None, "x.example/a/b", "y.x.example/a"])),
    )


@st.composite
def rulings(draw):
    of_holder = draw(st.booleans())
    host, path, wildcard = draw(st.sampled_from(PLACES + PATTERNS))
    return OptOutFact(
        holder_id=draw(st.sampled_from(HOLDERS)) if of_holder else None,
        host=None if of_holder else host,
        path=None if of_holder else path,
        wildcard=not of_holder and wildcard,
        use=draw(st.sampled_from(["*", "TRAIN", "SEARCH", NO_USE])),
        effective_at=draw(instants),
        ends_at=draw(st.none() | instants),
        state=draw(st.sampled_from(State)),
        source=draw(st.sampled_from([None, "s-1", "s-2", f"{PARTY}1"])),
        since=draw(st.none() | instants),
    )


def of_nodes(facts):
    return st.lists(st.tuples(st.sampled_from(NODES), facts), max_size=6)


def told(node, rows):
    """Return a part as the hub writes it, of rows by stage."""
    lines = [line_of(stage, row, seal) for stage, row in rows if row.node == node]
    head = Head(node, 1, None, None, [])
    return written([head, *lines, End(len(lines), 1)]).splitlines()


def row_of(table, node, fact, **more):
    values = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return table(node=node, version=1, **(values | more))


@given(of_nodes(claims()), of_nodes(rulings()), st.sampled_from(["TRAIN", "SEARCH"]), instants)
def test_a_copy_decides_as_the_index_does(held, said, use, at):
    index = index_store.claim_index(
        Slice([SliceClaim(*one) for one in held], [SliceOptOut(*one) for one in said])
    )
    rows = [("claims", row_of(IndexClaim, node, fact)) for node, fact in held]
    rows += [
        ("rulings", row_of(IndexOptOut, node, fact, state=fact.state.value)) for node, fact in said
    ]
    copy = WithheldList()
    for node in NODES:
        copy.take(told(node, rows))

    for url in URLS:
        assert copy.why(url, use, at) == index.why_reserved(normalise_url(url), use, at), url


def named(*parts):
    return seal(msgspec.json.encode(["withheld", *parts])).hex()[:24]


def test_a_line_says_all_that_decides_and_gives_names_anew():
    claim = ClaimFact(
        "c-1", "h-1", "x.example", "/a", True, TODAY, date(2026, 12, 1), "a", "y.example/"
    )
    place = OptOutFact(
        *(None, "x.example", "/a*", True, "TRAIN", NOON, NOON + HOUR, State.WITHHELD),
        *(f"{PARTY}1", NOON - HOUR),
    )
    holder = OptOutFact("h-1", None, None, False, "SEARCH", NOON, state=State.MANDATED, source="s")

    lines = [
        line_of("claims", row_of(IndexClaim, "DE", claim), seal),
        line_of("rulings", row_of(IndexOptOut, "DE", place, state="WITHHELD"), seal),
        line_of("gone_rulings", row_of(IndexOptOut, "DE", holder, state="MANDATED"), seal),
    ]

    assert [msgspec.to_builtins(line) for line in lines] == [
        {
            "kind": "claim",
            "node": "DE",
            "id": named("DE", "c-1"),
            "host": "x.example",
            "path": "/a",
            "subdomains": True,
            "holder": named("DE", "h-1"),
            "startsOn": "2026-10-01",
            "endsOn": "2026-12-01",
            "original": "y.example/",
        },
        {
            "kind": "ruling",
            "node": "DE",
            "use": "TRAIN",
            "state": "WITHHELD",
            "startsAt": "2026-10-01T12:00:00Z",
            "reason": "WITHHELD",
            "host": "x.example",
            "path": "/a*",
            "subdomains": True,
            "endsAt": "2026-10-01T13:00:00Z",
            "saidFrom": "2026-10-01T11:00:00Z",
            "source": PARTY + named("DE", f"{PARTY}1"),
        },
        {
            "kind": "gone",
            "entry": {
                "kind": "ruling",
                "node": "DE",
                "use": "SEARCH",
                "state": "MANDATED",
                "startsAt": "2026-10-01T12:00:00Z",
                "reason": "NOT_MANDATED",
                "holder": named("DE", "h-1"),
                "source": named("DE", "s"),
            },
        },
    ]
    assert named("DE", "h-1") != named("FR", "h-1")
