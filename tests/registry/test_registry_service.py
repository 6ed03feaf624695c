"""Registering at a node and answering from the hub's index, on both backends."""

import asyncio
from datetime import date
from functools import partial

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex import delta_store, index_store, place_store
from federation.claimindex.entitlement import HeldClaim
from federation.claimindex.messages import ClaimFact, OptOutFact, RegistryDelta
from federation.claimindex.tables import IndexOptOut, IndexOptOutPast
from federation.distribution.inputs import member_facts
from federation.registry import edit_store, own_store, receiving, service, store
from federation.registry.imports import holder_id
from federation.registry.receiving import VersionGapError
from federation.tabular import BadTableError
from federation.trust.parties import NotAdmittedError
from tests.databases import HUB_TERMS, a_party, contents, opened, refused
from tests.opt_outs import an_opt_out
from tests.registry.registries import (
    CLAIMS,
    HOSTS,
    MEMBERS,
    MEMBERS_FILE,
    NO_CLAIM,
    NOON,
    OPT_OUTS,
    OPT_OUTS_FILE,
    PATHS,
    TOO_WIDE,
    WORKS_FILE,
    at,
    deltas,
    holder,
    hub_entries,
    import_claims,
    import_members,
    import_opt_outs,
    index_of,
    own_entries,
    owners,
    receive,
    urls,
)


def a_fact(claim_id, host, path="/", **changes):
    values = {"holder_id": "h", "wildcard": False, "counts_from": date(2025, 1, 1)}
    values |= {"counts_to": None, "content_tier": "standard", "canonical": None}
    return ClaimFact(claim_id=claim_id, host=host, path=path, **(values | changes))


NO_ACCOUNT_SET = (None, None, None)  # clearing id, by whom and when


async def test_members_are_registered(node):
    assert (await contents(node))["registry_member"] == [
        ("m1", "One", "DE", date(2025, 3, 1), None, None, None, "IBAN", None, *NO_ACCOUNT_SET),
        ("m2", "Two", "DE", date(2026, 2, 1), None, None, None, "IBAN", None, *NO_ACCOUNT_SET),
    ]
    assert await deltas(node) == []


async def test_a_member_that_is_registered_refuses_the_file(node):
    table = MEMBERS.replace("m1,One", "m3,Three").encode()

    refusal = await refused(
        node, BadTableError, lambda session: MEMBERS_FILE(session, table, node="DE")
    )

    assert [str(error) for error in refusal.errors] == [
        "line 3, column member_id: registered already: m2"
    ]


@pytest.mark.parametrize(
    ("act", "table", "bad", "errors"),
    [
        (
            MEMBERS_FILE,
            "member_id,name,country,joined_on\nm3,Three,DE,2026-01-01\n{}\nm4,Four,DE,2026-01-01",
            "~,Bad,D,2026-01-01",
            [
                (3, "member_id", "no member id: '~'"),
                (3, "country", "'D' is no country code of ISO 3166, such as GB"),
            ],
        ),
        (
            WORKS_FILE,
            CLAIMS + "m1,x.example,standard,,,,,\n{}\nm2,y.example,standard,,,,,",
            "m1,z.example,gold,,o.example,,,",
            [
                (3, "content_tier", "unknown: 'gold', known: premium, standard"),
                (3, "owner_bps", "no basis points from 0 to 10000: ''"),
            ],
        ),
        (
            OPT_OUTS_FILE,
            OPT_OUTS + "x.example,*,2026-01-01T00:00:00Z\n{}\nx.example,*,2026-01-01T00:00:00Z",
            "member:m9,PRINT,2026-01-01T00:00:00Z",
            [
                (3, "use", "unknown: 'PRINT', known: *, GROUND, SEARCH, TRAIN"),
                (3, "subject", "no such member: m9"),
            ],
        ),
        (
            WORKS_FILE,
            CLAIMS + "m1,x.example,standard,,,,,\n{}\nm2,y.example,standard,,,,,",
            "m1,q.example/?id=5,standard,,*.co.uk,1,,",
            [
                (3, "claim", f"{NO_CLAIM} (a query or fragment, which no claim has)"),
                (3, "canonical", f"{NO_CLAIM} (a canonical URL has no wildcard)"),
            ],
        ),
        (
            WORKS_FILE,
            CLAIMS + "m1,x.example,standard,,,,,\n{}\nm2,y.example,standard,,,,,",
            "m1,*.co.uk,standard,,192.0.2.7/a,1,,",
            [
                (3, "claim", f"{TOO_WIDE} (*.co.uk/: every name below a public suffix)"),
                (3, "canonical", f"{TOO_WIDE} (192.0.2.7/a: an IP address)"),
            ],
        ),
        (
            OPT_OUTS_FILE,
            OPT_OUTS + "x.example,*,2026-01-01T00:00:00Z\n{}\nx.example/*,*,2026-01-01T00:00:00Z",
            "*.github.io,*,2026-01-01T00:00:00Z",
            [(3, "subject", f"{TOO_WIDE} (*.github.io/: every name below a public suffix)")],
        ),
        (
            OPT_OUTS_FILE,
            OPT_OUTS + "x.example,*,2026-01-01T00:00:00Z\n{}\nx.example/*,*,2026-01-01T00:00:00Z",
            f"x.example/{'*' * 17},*,2026-01-01T00:00:00Z",
            [(3, "subject", f"{NO_CLAIM} (more than 16 * in a pattern)")],
        ),
    ],
)
async def test_a_bad_row_in_the_middle_leaves_nothing_of_its_file(node, act, table, bad, errors):
    file = table.format(bad).encode()
    options = {"node": "DE"} if act is MEMBERS_FILE else {"node": "DE", "now": NOON}

    refusal = await refused(node, BadTableError, lambda session: act(session, file, **options))

    assert [(error.line, error.column, error.reason) for error in refusal.errors] == errors
    assert await deltas(node) == []


@pytest.mark.parametrize("act", [WORKS_FILE, OPT_OUTS_FILE])
async def test_a_node_that_is_not_admitted_has_no_terms_to_read_by(database, act):
    table = (CLAIMS if act is WORKS_FILE else OPT_OUTS).encode()

    refusal = await refused(
        database,
        NotAdmittedError,
        lambda session: act(session, table, node="DE", now=NOON),
    )

    assert refusal.code == "NOT_ADMITTED"


async def test_a_claim_is_registered_and_told_to_the_index(node):
    rows = ["m1,*.x.example/a,premium,3,,,,", "m2,y.example,standard,,x.example,2500,2025-01-01,"]

    assert await import_claims(node, *rows) == 2

    async with node.read() as session:
        [first] = await edit_store.known_claims_of(session, "m1")
        [second] = await edit_store.known_claims_of(session, "m2")
        assert await store.owner_parts(session) == {second.claim_id: 2500}
        assert await store.claim_holders(session) == {first.claim_id: "m1", second.claim_id: "m2"}
        assert await store.claims_with_works(session) == {
            "m1": [HeldClaim(date(2025, 3, 1), None, 3)],
            "m2": [HeldClaim(date(2026, 2, 1), None, 1)],
        }
    [delta] = await deltas(node)
    assert delta == RegistryDelta(
        version=1,
        claims=[
            ClaimFact(
                claim_id=first.claim_id,
                holder_id=holder_id("DE", "m1"),
                host="x.example",
                path="/a",
                wildcard=True,
                counts_from=date(2025, 3, 1),
                counts_to=None,
                content_tier="premium",
                canonical=None,
            ),
            ClaimFact(
                claim_id=second.claim_id,
                holder_id=holder_id("DE", "m2"),
                host="y.example",
                path="/",
                wildcard=False,
                counts_from=date(2026, 2, 1),
                counts_to=None,
                content_tier="standard",
                canonical="x.example/",
            ),
        ],
    )


async def test_an_opt_out_is_registered_and_told_to_the_index(node):
    rows = ["*.x.example/a,*,2026-09-01T02:00:00+02:00", "member:m1,TRAIN,2026-09-01T00:00:00.5Z"]

    assert await import_opt_outs(node, *rows) == 2

    assert await deltas(node) == [
        RegistryDelta(
            version=1,
            opt_outs=[
                OptOutFact(
                    None, "x.example", "/a", wildcard=True, use="*", effective_at=at(2026, 9, 1)
                ),
                OptOutFact(
                    holder_id("DE", "m1"),
                    None,
                    None,
                    wildcard=False,
                    use="TRAIN",
                    effective_at=at(2026, 9, 1, 0, 0, 0, 500_000),
                ),
            ],
        )
    ]
    async with node.read() as session:
        assert await store.rulings_of_members(session, "DE") == {
            "m1": [an_opt_out("DE", "TRAIN", at(2026, 9, 1, 0, 0, 0, 500_000), None, "m1")]
        }
        [row] = await store.opt_outs_of(session, "m1")
        assert (row.use, row.recorded_at) == ("TRAIN", NOON)


async def test_only_an_opt_out_of_all_uses_before_the_day_takes_a_member_out(node):
    claims = ["m1,a.example,standard,,,,,", "m2,b.example,standard,,,,,"]
    assert await import_claims(node, *claims) == 2
    await import_opt_outs(
        node, "member:m1,*,2026-09-30T23:59:59.999999Z", "member:m2,*,2026-10-01T00:00:00Z"
    )

    async with node.read() as session:
        facts = await member_facts(session, "DE", date(2026, 9, 30))
    assert {fact.member_id: fact.entitled for fact in facts} == {"m1": False, "m2": True}


async def test_the_same_claim_again_is_refused_and_a_touching_one_is_not(node):
    await import_claims(node, "m1,x.example,standard,,,,2026-01-01,2026-02-01")
    again = (CLAIMS + "m1,x.example,standard,,,,2026-01-31,").encode()

    refusal = await refused(
        node,
        BadTableError,
        lambda session: WORKS_FILE(session, again, node="DE", now=NOON),
    )

    assert [str(error) for error in refusal.errors] == [
        "line 2, column claim: claimed twice by m1: x.example/"
    ]
    assert await import_claims(node, "m1,x.example,standard,,,,2026-02-01,") == 1
    assert await import_claims(node, "m1,y.example,standard,,,,2026-01-31,") == 1


async def test_each_import_is_the_next_version(node):
    await import_claims(node, "m1,a.example,standard,,,,,")
    await import_opt_outs(node, "a.example,TRAIN,2026-09-01T00:00:00Z")
    await import_claims(node)
    await refused(
        node,
        BadTableError,
        lambda session: WORKS_FILE(session, b"member_id", node="DE", now=NOON),
    )
    await import_claims(node, "m1,b.example,standard,,,,,")

    assert [delta.version for delta in await deltas(node)] == [1, 2, 3]
    async with node.read() as session:
        assert await delta_store.version_of(session, "DE") == 3


async def test_imports_at_once_leave_no_gap(node):
    await asyncio.gather(
        *(import_claims(node, f"m1,x{number}.example,standard,,,,,") for number in range(20))
    )

    assert [delta.version for delta in await deltas(node)] == list(range(1, 21))


async def test_a_large_file_goes_out_in_several_deltas(node):
    await import_claims(node, *(f"m1,x{number}.example,standard,,,,," for number in range(5_001)))

    assert [(delta.version, len(delta.claims)) for delta in await deltas(node)] == [
        (1, 5_000),
        (2, 1),
    ]


async def test_a_delta_out_of_order_is_refused(hub):
    await receive(hub, RegistryDelta(1, [a_fact("c1", "a.example")]), RegistryDelta(2))

    for version in (0, 1, 2, 4):
        delta = RegistryDelta(version, [a_fact("c2", "b.example")])
        refusal = await refused(
            hub, VersionGapError, partial(receiving.receive_delta, node="DE", delta=delta)
        )
        assert (refusal.code, refusal.detail) == ("VERSION_GAP", f"DE #{version}, expected #3")

    await receive(hub, RegistryDelta(3))
    async with hub.read() as session:
        assert await delta_store.version_of(session, "DE") == 3


async def test_nodes_count_their_versions_apart(hub):
    await receive(hub, RegistryDelta(1), RegistryDelta(2), node="DE")
    await receive(hub, RegistryDelta(1), node="FR")

    async with hub.read() as session:
        versions = [await delta_store.version_of(session, node) for node in ("DE", "FR", "GB")]
        assert versions == [2, 1, 0]


async def test_a_refused_delta_has_counted_nothing_even_if_its_transaction_goes_on(hub):
    async with hub.write("delta") as session:
        with pytest.raises(VersionGapError):
            await receiving.receive_delta(session, "DE", RegistryDelta(2))

    await receive(hub, RegistryDelta(1))


async def test_the_index_answers_none_one_owner_or_several(node, hub):
    await import_claims(node, "m1,x.example/a,standard,,,,,", "m1,c.example,standard,,,,,")
    await receive(hub, *await deltas(node))
    await receive(hub, RegistryDelta(1, [a_fact("f", "c.example", holder_id="f1")]), node="FR")

    assert await owners(hub, "https://nobody.example/") == set()
    assert await owners(hub, "https://x.example/b") == set()
    assert await owners(hub, "http://X.example:80/a/b?q#f") == {holder("m1")}
    assert await owners(hub, "https://c.example/") == {holder("m1"), ("FR", "f1")}


async def test_the_index_knows_which_claim_is_the_most_specific(node, hub):
    await import_claims(
        node,
        "m1,*.x.example,standard,,,,,",
        "m2,www.x.example/news,premium,,,,2026-09-10,2026-09-11",
    )
    await receive(hub, *await deltas(node))

    for url in ("https://x.example/", "https://a.b.x.example/c", "https://www.x.example/new"):
        assert await owners(hub, url) == {holder("m1")}
    news = "https://www.x.example/news/1"
    assert await owners(hub, news, at(2026, 9, 9, 23, 59)) == {holder("m1")}
    assert await owners(hub, news, at(2026, 9, 10)) == {holder("m2")}
    assert await owners(hub, news, at(2026, 9, 11)) == {holder("m1")}
    assert await owners(hub, "https://xx.example/") == set()


async def test_the_index_answers_for_the_canonical_url_of_a_copy_too(node, hub):
    await import_claims(
        node,
        "m1,copy.example,standard,,orig.x.example/a,2500,,",
        "m2,*.x.example/a,standard,,,,,",
    )
    await import_opt_outs(node, "orig.x.example,TRAIN,2026-09-01T00:00:00Z")
    await receive(hub, *await deltas(node))
    index = await index_of(hub, "https://copy.example/")
    copy, original = (
        normalise_url("https://copy.example/"),
        normalise_url("https://orig.x.example/a"),
    )

    [claim] = index.claimants(copy, NOON)
    assert claim.canonical == original
    assert [c.holder_id for c in index.claimants(original, NOON)] == [holder_id("DE", "m2")]
    assert index.is_reserved(copy, "TRAIN", NOON)
    assert not index.is_reserved(copy, "SEARCH", NOON)


async def test_the_index_knows_who_is_withheld(node, hub):
    await import_claims(node, "m1,x.z.example,standard,,,,,", "m2,y.z.example,standard,,,,,")
    await import_opt_outs(
        node,
        "member:m1,TRAIN,2026-09-10T12:00:00Z",
        "*.z.example/private,*,2026-09-01T00:00:00Z",
        "*.z.example/*.pdf$,*,2026-09-01T00:00:00Z",
    )
    await receive(hub, *await deltas(node))

    async def reserved(url, use="TRAIN", at=NOON):
        return (await index_of(hub, url)).is_reserved(normalise_url(url), use, at)

    assert await reserved("https://x.z.example/")
    assert not await reserved("https://x.z.example/", "SEARCH")
    assert not await reserved("https://x.z.example/", at=at(2026, 9, 10, 11, 59, 59, 999_999))
    assert not await reserved("https://y.z.example/")
    assert await reserved("https://y.z.example/private/a", "SEARCH")
    assert await reserved("https://unclaimed.z.example/private")
    assert await reserved("https://x.z.example/a/b.pdf", "SEARCH")
    assert not await reserved("https://x.z.example/a/b.pdf.html", "SEARCH")


PATTERNS = ["/*", "/*b$", "/a$"]

claim_texts = st.builds(
    "{}{}{}".format, st.sampled_from(["", "*."]), st.sampled_from(HOSTS), st.sampled_from(PATHS)
)

subject_texts = st.builds("{}{}".format, st.sampled_from(HOSTS), st.sampled_from(PATTERNS))

claim_rows = st.lists(
    st.tuples(
        st.sampled_from(["m1", "m2"]),
        claim_texts,
        st.sampled_from([",", "y.z.example/a,100", "www.x.z.example,0"]),
    ),
    max_size=6,
    unique_by=lambda row: row[:2],
)

opt_out_rows = st.lists(
    st.tuples(
        claim_texts | subject_texts | st.sampled_from(["member:m1", "member:m2"]),
        st.sampled_from(["*", "TRAIN"]),
    ),
    max_size=4,
)


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(claim_rows, opt_out_rows, urls)
async def test_a_node_answers_for_itself_as_the_index_would(backend, held, withheld, asked):
    async with (
        backend.url(migrated=True) as node_url,
        backend.url(migrated=True) as hub_url,
        opened(node_url) as node,
        opened(hub_url) as hub,
    ):
        async with node.write("setup") as session:
            session.add(a_party("HUB", terms=HUB_TERMS))
        await import_members(node)
        await import_claims(node, *(f"{m},{c},standard,,{copy},," for m, c, copy in held))
        await import_opt_outs(node, *(f"{s},{use},2026-09-01T00:00:00Z" for s, use in withheld))
        await receive(hub, *await deltas(node))
        keys = [normalise_url(url) for url in asked]

        async with node.read() as session:
            own = await own_store.own_rows(session, "DE", keys)
        async with hub.read() as session:
            known = await index_store.index_slice(session, keys)

    assert own_entries("DE", own) == hub_entries(known)


async def many_on_one_host(hub):
    """Of a host with many claims and opt-outs, those on some addresses and what matches none."""
    facts = [a_fact(f"c-{number}", "big.example", f"/a/{number}") for number in range(80)]
    facts += [a_fact("top", "big.example", "/a/"), a_fact("wild", "example", "/", wildcard=True)]
    withheld = [fact_of(f"/a/{number}") for number in range(80)]
    withheld += [fact_of("/a"), fact_of("/*.pdf$")]
    await receive(hub, RegistryDelta(version=1, claims=facts, opt_outs=withheld))
    return [normalise_url(f"https://big.example/a/{number}/x") for number in range(60)]


def fact_of(path):
    return OptOutFact(None, "big.example", path, False, "*", NOON)


async def test_of_a_host_with_many_claims_those_on_the_addresses_are_read(hub):
    keys = await many_on_one_host(hub)

    async with hub.read() as session:
        known = await index_store.index_slice(session, keys)

    on_them = sorted(["top", "wild", *(f"c-{number}" for number in range(60))])
    assert sorted(row.fact.claim_id for row in known.claims) == on_them
    withheld = sorted(["/a", "/*.pdf$", *(f"/a/{number}" for number in range(60))])
    assert sorted(row.fact.path for row in known.opt_outs) == withheld


async def test_a_question_of_many_statements_is_answered_as_of_one(hub, monkeypatch):
    keys = await many_on_one_host(hub)
    keys += [normalise_url(f"https://{name}.big.example/a/1") for name in "abc"]

    async with hub.read() as session:
        at_once = await index_store.index_slice(session, keys)
        monkeypatch.setattr(place_store, "CHARACTERS_AT_ONCE", 1)
        in_parts = await index_store.index_slice(session, keys)

    assert hub_entries(in_parts) == hub_entries(at_once)
    assert len(at_once.claims) == 62


@pytest.mark.parametrize(
    "table",
    [
        *("registry_claim", "registry_opt_out", "registry_index_claim"),
        *("registry_index_claim_past", "registry_index_reservation"),
        "registry_index_reservation_past",
    ],
)
async def test_each_table_has_the_index_by_which_rows_are_found(hub, table):
    async with hub.read() as session:
        connection = await session.connection()
        names = await connection.run_sync(_index_names, table)
    assert f"ix_{table}_place" in names


def _index_names(connection, table):
    kind = connection.dialect.name
    query = f"SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = '{table}'"
    if kind == "postgresql":
        query = f"SELECT indexname FROM pg_indexes WHERE tablename = '{table}'"
    return set(connection.exec_driver_sql(query).scalars())


async def test_places_and_lengths_are_found_by_nothing_but_the_index(hub):
    asked, keys = [], await many_on_one_host(hub)
    async with hub.read() as session:
        engine, connection = session.get_bind(), await session.connection()
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
        await index_store.index_slice(session, keys, NOON)
        await own_store.own_rows(session, "DE", keys)
        explain = "EXPLAIN QUERY PLAN" if hub.is_sqlite else "EXPLAIN"
        if not hub.is_sqlite:  # of empty tables it would read all that is there
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        ways = [
            str(row)
            for sql, values in asked[:]
            if "registry_" in sql
            for row in await connection.exec_driver_sql(f"{explain} {sql}", values)
        ]
    assert not [way for way in ways if "SCAN registry_" in way or "Seq Scan on registry_" in way]
    for table in ("claim", "reservation"):
        assert any(f"ix_registry_index_{table}_place" in way for way in ways), table


async def test_of_long_paths_that_begin_alike_the_very_one_is_read(hub):
    long = "/" + "a" * 1_200
    facts = [a_fact(name, "big.example", f"{long}/{name}") for name in ("b", "c")]
    withheld = [fact_of(f"{long}/{name}") for name in ("b", "c", "b$")]
    await receive(hub, RegistryDelta(version=1, claims=facts, opt_outs=withheld))

    async with hub.read() as session:
        known = await index_store.index_slice(session, [UrlKey("big.example", f"{long}/b")])

    assert [row.fact.claim_id for row in known.claims] == ["b"]
    paths = sorted(row.fact.path for row in known.opt_outs)
    assert paths == [f"{long}/b", f"{long}/b$"]


async def test_of_the_patterns_of_a_host_those_that_start_as_an_address_does_are_read(hub):
    said = [fact_of(f"/a/{number}*") for number in range(200)]
    said += [fact_of(path) for path in ("/a/7*/b", "/*.pdf$", "/a/7x*", "/a/7/longer*", "/b*")]
    await receive(hub, RegistryDelta(version=1, opt_outs=said))
    key = UrlKey("big.example", "/a/77/c")

    async with hub.read() as session:
        known = await index_store.index_slice(session, [key])
        then = await session.scalar(select(func.max(IndexOptOut.recorded_at)))
    await receive(hub, RegistryDelta(version=2, withdrawn_opt_outs=said))
    async with hub.read() as session:
        gone = await index_store.index_slice(session, [key], then)

    read = ["/*.pdf$", "/a/7*", "/a/77*", "/a/7*/b"]
    assert sorted(row.fact.path for row in known.opt_outs) == sorted(read)
    assert sorted(row.fact.path for row in gone.opt_outs) == sorted(read)


async def test_a_node_reads_of_its_patterns_those_that_start_as_an_address_does(node):
    subjects = [f"big.example/a/{number}*" for number in range(200)]
    subjects += ["big.example/*.pdf$", "*.big.example/a/7*b", "*.big.example/a/8*b"]
    await import_opt_outs(node, *(f"{subject},*,2026-09-01T00:00:00Z" for subject in subjects))

    async with node.read() as session:
        own = await own_store.own_rows(session, "DE", [UrlKey("big.example", "/a/77/c")])

    paths = {row.path for row in own.rulings}
    assert paths == {"/*.pdf$", "/a/7*", "/a/77*", "/a/7*b"}


async def test_patterns_that_start_alike_for_long_are_found_and_withdrawn_each_by_itself(hub):
    long = "/" + "a" * 1_200
    said = [fact_of(f"{long}{path}") for path in ("b*", "c*", "b*d", "b*d$")]
    await receive(hub, RegistryDelta(version=1, opt_outs=said))
    await receive(hub, RegistryDelta(version=2, withdrawn_opt_outs=said[2:3]))

    async with hub.read() as session:
        known = await index_store.hub_index(session, [UrlKey("big.example", f"{long}b")])
        left = list(map(index_store.opt_out_fact, await session.scalars(select(IndexOptOut))))

    assert known.is_reserved(UrlKey("big.example", f"{long}bd"), "TRAIN", NOON)
    assert not known.is_reserved(UrlKey("big.example", long), "TRAIN", NOON)
    assert left == [said[0], said[1], said[3]]


async def test_what_a_node_takes_back_leaves_the_index_wherever_it_stands(hub):
    said = [fact_of(path) for path in ("/a", "/a$", "/*.pdf$", "/a/" + "b" * 1_200)]
    said.append(OptOutFact("h-1", None, None, False, "*", NOON))
    kept = [msgspec.structs.replace(one, use="TRAIN") for one in said]
    await receive(hub, RegistryDelta(version=1, opt_outs=[*said, *kept]))
    ended = [msgspec.structs.replace(one, ends_at=NOON) for one in said]

    await receive(hub, RegistryDelta(version=2, withdrawn_opt_outs=ended))

    async with hub.read() as session:
        left = list(map(index_store.opt_out_fact, await session.scalars(select(IndexOptOut))))
        gone = list(map(index_store.opt_out_fact, await session.scalars(select(IndexOptOutPast))))
    assert (left, sorted(gone, key=repr)) == (kept, sorted(said, key=repr))


async def test_of_an_address_with_many_segments_no_path_that_nobody_claims_is_asked(hub):
    keys = await many_on_one_host(hub)
    keys = [UrlKey(key.host, key.path + "/b" * 1_500) for key in keys]
    asked = []

    async with hub.read() as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[3]))
        found = await index_store.index_slice(session, keys)

    assert len(found.claims) == 62
    assert 0 < sum(len(str(values)) for values in asked) < 10_000


async def test_the_opt_outs_of_a_site_stand_on_its_hosts_and_below_its_wildcards(node):
    subjects = ["x_y.example/a", "www.x_y.example/*.pdf$", "xzy.example", "wwwx_y.example"]
    await import_opt_outs(
        node, *(f"{s},*,2026-09-01T00:00:00Z" for s in [*subjects, "a.xzy.example"])
    )

    async with node.read() as session:
        exact = await store.opt_outs_for(session, {"x_y.example"}, set())
        wide = await store.opt_outs_for(session, {"x_y.example"}, {"x_y.example"})

    assert [row.host + row.path for row in exact] == ["x_y.example/a"]
    assert [row.host + row.path for row in wide] == ["x_y.example/a", "www.x_y.example/*.pdf$"]


@pytest.mark.parametrize(
    ("act", "header", "row", "column"),
    [
        (WORKS_FILE, CLAIMS, "m1,x.example/%%341,standard,,,,,", "claim"),
        (OPT_OUTS_FILE, OPT_OUTS, "x.example/%%341,*,2026-09-01T00:00:00Z", "subject"),
    ],
)
async def test_an_address_that_reads_otherwise_when_read_again_is_refused(
    node, act, header, row, column
):
    refusal = await refused(
        node,
        BadTableError,
        lambda session: act(session, (header + row).encode(), node="DE", now=NOON),
    )

    reason = "read again, x.example/%41 would be another address"
    assert [(e.line, e.column, e.reason) for e in refusal.errors] == [(2, column, reason)]


async def test_a_file_that_was_read_before_something_else_was_registered_is_read_again(node):
    table = b"member_id,claim,content_tier\nm1,y.example,standard\n"
    async with node.read() as session:
        found = await service.read_table(session, "works", table, node="DE")
        assert await service.is_as_read(session, found)
    await import_claims(node, "m1,x.example,standard,,,,,")

    async with node.read() as session:
        assert not await service.is_as_read(session, found)
