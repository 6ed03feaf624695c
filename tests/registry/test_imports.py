"""Members, claims and opt-outs as they stand in a file; nothing is taken from a bad one."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.urls import ClaimKey, MalformedClaimError
from federation.registry.imports import (
    NewClaim,
    NewMember,
    NewOptOut,
    holder_id,
    read_claims,
    read_members,
    read_opt_outs,
)
from federation.registry.overlaps import Standing
from federation.tabular import BadTableError

MEMBERS = "member_id,name,country,joined_on"
CLAIMS = "member_id,claim,content_tier,works,canonical,owner_bps,valid_from,valid_to"
OPT_OUTS = "subject,use,effective_at"
TIERS, USES = ["premium", "standard"], ["SEARCH", "TRAIN"]
DAY = date(2026, 1, 1)


def table(header, *rows):
    return "\r\n".join([header, *rows]).encode()


STANDINGS = {
    "m1": Standing(date(2025, 3, 1)),
    "m2": Standing(date(2026, 2, 1)),
    "m3": Standing(date(2025, 1, 1), date(2026, 6, 1)),
}


def members(*rows, header=MEMBERS, **options):
    return read_members(table(header, *rows), node="DE", **options)


def claims(*rows, header=CLAIMS, held=()):
    return read_claims(
        table(header, *rows), node="DE", members=STANDINGS, tiers=TIERS, held=dict(held)
    )


def opt_outs(*rows, header=OPT_OUTS):
    return read_opt_outs(table(header, *rows), node="DE", members=["m1"], uses=USES)


READERS = pytest.mark.parametrize(
    ("read", "header", "good"),
    [
        (members, MEMBERS, "m9,Nine,DE,2026-01-01"),
        (claims, CLAIMS, "m1,x.example,standard,,,,,"),
        (opt_outs, OPT_OUTS, "x.example,TRAIN,2026-01-01T00:00:00Z"),
    ],
)


def errors(read, *rows, **options):
    with pytest.raises(BadTableError) as caught:
        read(*rows, **options)
    assert caught.value.code == "BAD_TABLE"
    return [(error.line, error.column, error.reason) for error in caught.value.errors]


def test_members_are_read_with_columns_in_any_order():
    header = "bic,joined_on,country,name,account_scheme,account,member_id,collective"
    rows = [
        'DEUTDEFF,2025-03-01,DE,"Verlag, Müller",OTHER,4711,m1,DE',
        ",2026-12-31,FR,Éditions,,,m 2,",
    ]

    assert members(*rows, header=header) == [
        NewMember("m1", "Verlag, Müller", "DE", date(2025, 3, 1), "4711", "OTHER", "DEUTDEFF"),
        NewMember("m 2", "Éditions", "FR", date(2026, 12, 31), None, "IBAN", None),
    ]


def test_a_member_that_could_be_taken_for_another_is_refused_with_both_names():
    rows = [
        "anna,Anna,DE,2026-01-01",
        "Anna,Another,DE,2026-01-01",
        "\u0430nna,With a Cyrillic letter,DE,2026-01-01",
        "bert\u200b,Unseen,DE,2026-01-01",
        "car  la,Two blanks,DE,2026-01-01",
        "\uff44ora,Wide,DE,2026-01-01",
        "CORA,Registered,DE,2026-01-01",
    ]
    found = errors(members, *rows, registered=["Cora", "cora", "else"])

    assert found == [
        (3, "member_id", "could be taken for 'anna'"),
        (4, "member_id", r"'\u0430nna' mixes letters of CYRILLIC and LATIN"),
        (5, "member_id", r"'bert\u200b' holds a character that nobody sees"),
        (6, "member_id", "'car  la' has a blank at an end, or two in a row"),
        (7, "member_id", r"'\uff44ora' is 'dora' in other characters"),
        (8, "member_id", "could be taken for 'Cora'"),
        (8, "member_id", "could be taken for 'cora'"),
    ]


def test_members_registered_before_that_look_alike_hold_up_no_others():
    [read] = members("dora,Dora,DE,2026-01-01", registered=["Anna", "anna"])

    assert read.member_id == "dora"


def test_every_bad_member_is_named_with_its_line():
    header = "member_id,name,country,joined_on,collective,account,account_scheme,bic"
    rows = [
        "m1,One,DE,2026-01-01,,,,",
        ",Two,DE,2026-01-01,,,,",
        "~3,Three,DE,2026-01-01,,,,",
        "m/4,Four,DE,2026-01-01,,,,",
        f"{'m' * 129},Five,DE,2026-01-01,,,,",
        "m6,Six,de,2026-01-01,,,,",
        "m7,Seven,D1,2026-01-01,,,,",
        "m8,Eight,DE,2026-02-30,,,,",
        "m9,Nine,DE,01.02.2026,,,,",
        "m10,Ten,DE,,,,,",
        "m11,Eleven,DE,2026-01-01,FR,,,",
        "m12,Twelve,DE,2026-01-01,,,iban,",
        f"m13,Thirteen,DE,2026-01-01,,{'4' * 65},,",
        "m14,Fourteen,DE,2026-01-01,,,,ABCDEFGHIJKL",
        "m15,Fif\0teen,DE,2026-01-01,,,,",
        "m\x1f16,Sixteen,DE,2026-01-01,,,,",
        "m1,Again,DE,2026-01-01,,,,",
        "m0,Known,DE,2026-01-01,,,,",
        "m17, ,DE,2026-01-01,,,,",
        "m18,a\u202eb,DE,2026-01-01,,,,",
    ]

    assert errors(members, *rows, header=header, registered={"m0"}) == [
        (3, "member_id", "no member id: ''"),
        (4, "member_id", "no member id: '~3'"),
        (5, "member_id", "no member id: 'm/4'"),
        (6, "member_id", f"no member id: '{'m' * 129}'"),
        (7, "country", "'de' is no country code of ISO 3166, such as GB"),
        (8, "country", "'D1' is no country code of ISO 3166, such as GB"),
        (9, "joined_on", "no ISO date: '2026-02-30'"),
        (10, "joined_on", "no ISO date: '01.02.2026'"),
        (11, "joined_on", "no ISO date: ''"),
        (12, "collective", "this is DE"),
        (13, "account_scheme", "unknown: 'iban', known: IBAN, OTHER"),
        (14, "account", "longer than 64 characters"),
        (15, "bic", "longer than 11 characters"),
        (16, "name", "'Fif\\x00teen' has characters that cannot be printed"),
        (17, "member_id", "a control character"),
        (18, "member_id", "twice: m1"),
        (19, "member_id", "registered already: m0"),
        (20, "name", "it is empty"),
        (21, "name", "'a\\u202eb' has characters that cannot be printed"),
    ]


def test_several_errors_of_one_row_are_all_named():
    assert errors(members, "~,One,d,never") == [
        (2, "member_id", "no member id: '~'"),
        (2, "country", "'d' is no country code of ISO 3166, such as GB"),
        (2, "joined_on", "no ISO date: 'never'"),
    ]


def test_a_claim_has_its_defaults():
    short = "member_id,claim,content_tier"

    assert claims("m1,https://X.example:443/a/../b,premium", header=short) == [
        NewClaim(
            "m1", ClaimKey("x.example", "/b", wildcard=False), "premium", 1, None, None, None, None
        )
    ]


def test_a_claim_is_read_in_full():
    row = "m2,*.x.example/news,standard,12,http://O.example,2500,2026-01-01,2026-02-01"

    assert claims(row) == [
        NewClaim(
            member_id="m2",
            key=ClaimKey("x.example", "/news", wildcard=True),
            content_tier="standard",
            works=12,
            canonical="o.example/",
            owner_bps=2500,
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 2, 1),
        )
    ]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("m9,x.example,standard,,,,,", "member_id", "no such member: m9"),
        ("m1,ftp://x.example,standard,,,,,", "claim", "neither http nor https"),
        ("m1,a.*.example,standard,,,,,", "claim", "a * stands only before the whole host"),
        ("m1,,standard,,,,,", "claim", "no host"),
        ("m1,x.example,gold,,,,,", "content_tier", "unknown: 'gold', known: premium, standard"),
        ("m1,x.example,,,,,,", "content_tier", "unknown: '', known: premium, standard"),
        ("m1,x.example,standard,-1,,,,", "works", "no count: '-1'"),
        ("m1,x.example,standard,2147483648,,,,", "works", "no count: '2147483648'"),
        ("m1,x.example,standard,1.5,,,,", "works", "no integer: '1.5'"),
        ("m1,x.example,standard,,*.o.example,1,,", "canonical", "a canonical URL has no wildcard"),
        ("m1,x.example,standard,,o.example,,,", "owner_bps", "no basis points from 0 to 10000: ''"),
        (
            "m1,x.example,standard,,o.example,-1,,",
            "owner_bps",
            "no basis points from 0 to 10000: '-1'",
        ),
        (
            "m1,x.example,standard,,o.example,10001,,",
            "owner_bps",
            "no basis points from 0 to 10000: '10001'",
        ),
        ("m1,x.example,standard,,o.example,1e3,,", "owner_bps", "no integer: '1e3'"),
        ("m1,x.example,standard,,,0,,", "owner_bps", "no canonical URL to share with"),
        ("m1,x.example,standard,,,,2026-1-01,", "valid_from", "no ISO date: '2026-1-01'"),
        ("m1,x.example,standard,,,,,2026-00-01", "valid_to", "no ISO date: '2026-00-01'"),
    ],
)
def test_a_bad_claim_is_named_with_line_column_and_reason(row, column, reason):
    good = "m1,good.example,standard,,,,,"
    [(line, named, text)] = errors(claims, good, row, good.replace("good", "better"))

    assert (line, named) == (3, column)
    assert reason in text


@pytest.mark.parametrize("bps", ["0", "10000"])
def test_an_owner_may_get_nothing_or_all(bps):
    [claim] = claims(f"m1,x.example,standard,,o.example,{bps},,")

    assert claim.owner_bps == int(bps)


def test_the_bad_rows_of_a_claims_file_are_named_together():
    rows = [
        "m1,x.example,standard,,,,,",
        "m9,ftp://y.example,gold,many,,,,",
        "m2,x.example,standard,,,,,",
        "m1,X.EXAMPLE,standard,,,,,",
    ]

    found = errors(claims, *rows)

    assert [(line, column) for line, column, _ in found] == [
        (3, "member_id"),
        (3, "claim"),
        (3, "content_tier"),
        (3, "works"),
        (5, "claim"),
    ]
    assert found[-1] == (5, "claim", "claimed twice by m1: x.example/")


@pytest.mark.parametrize("other", ["m2,x.example", "m1,*.x.example", "m1,x.example/a", "m1,y.x"])
def test_another_member_or_another_claim_is_no_second_claim(other):
    assert len(claims("m1,x.example,standard,,,,,", f"{other},standard,,,,,")) == 2


def test_a_claim_ends_by_the_day_on_which_its_member_left():
    late = [f"m3,x{n}.example,standard,,,,{days}" for n, days in enumerate([",", ",2026-06-02"])]

    reason = "m3 left on 2026-06-01: the claim ends by then"
    assert errors(claims, *late) == [(2, "valid_to", reason), (3, "valid_to", reason)]
    assert len(claims("m3,x.example,standard,,,,,2026-06-01")) == 1


VALIDITIES = pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (",", ",", True),
        (",", "2026-01-01,2026-02-01", True),
        ("2026-01-01,2026-02-01", "2026-01-01,2026-02-01", True),
        ("2026-01-01,2026-02-01", "2026-01-31,2026-03-01", True),
        ("2026-01-01,2026-02-01", "2026-01-10,2026-01-11", True),
        ("2026-01-01,2026-02-01", ",2026-01-02", True),
        ("2026-01-01,2026-02-01", "2026-02-01,2026-03-01", False),
        ("2026-02-01,2026-03-01", "2026-01-01,2026-02-01", False),
        (",2026-01-01", "2026-01-01,", False),
        ("2026-01-01,2026-02-01", "2027-01-01,", False),
        ("2026-01-02,2026-01-01", "2026-01-02,2026-01-01", True),  # no day, but one claim id
        ("2026-01-02,2026-01-01", "2026-01-01,2026-02-01", False),
        (",", "2026-01-01,2026-01-01", False),
    ],
)


@VALIDITIES
def test_the_same_claim_twice_may_touch_but_not_overlap(one, other, overlap):
    rows = [f"m1,x.example,standard,,,,{validity}" for validity in (one, other)]

    if overlap:
        assert errors(claims, *rows) == [(3, "claim", "claimed twice by m1: x.example/")]
    else:
        assert len(claims(*rows)) == 2


@VALIDITIES
def test_a_registered_claim_counts_like_one_in_the_file(one, other, overlap):
    held = tuple(date.fromisoformat(day) if day else None for day in one.split(","))
    holding = {("m1", ClaimKey("x.example", "/", wildcard=False)): [held]}
    row = f"m1,x.example,standard,,,,{other}"

    if overlap:
        reason = "claimed twice by m1: x.example/"
        assert errors(claims, row, held=holding) == [(2, "claim", reason)]
    else:
        assert len(claims(row, held=holding)) == 1
    assert list(holding.values()) == [[held]]


def day_of(number):
    return "" if number is None else (DAY + timedelta(days=number)).isoformat()


def days(start, end):
    return set(range(-1 if start is None else start, 6 if end is None else end))


intervals = st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(1, 5))


@given(st.lists(intervals, min_size=1, max_size=4))
def test_a_file_is_refused_exactly_when_two_validities_share_a_day_or_are_the_same(validities):
    rows = [f"m1,x.example,standard,,,,{day_of(a)},{day_of(b)}" for a, b in validities]
    counted = [day for validity in validities for day in days(*validity)]

    if len(set(counted)) == len(counted) and len(set(validities)) == len(validities):
        assert len(claims(*rows)) == len(validities)
    else:
        assert {column for _, column, _ in errors(claims, *rows)} == {"claim"}


def test_opt_outs_name_a_claim_or_a_member():
    rows = [
        "*.x.example/a,*,2026-01-01T01:00:00+01:00",
        "https://y.example,TRAIN,2026-01-01T00:00:00.123456789Z",
        "member:m1,SEARCH,2026-01-01t00:00:00z",
    ]
    midnight = datetime(2026, 1, 1, tzinfo=UTC)

    assert opt_outs(*rows) == [
        NewOptOut(None, ClaimKey("x.example", "/a", wildcard=True), "*", midnight),
        NewOptOut(
            None,
            ClaimKey("y.example", "/", wildcard=False),
            "TRAIN",
            midnight.replace(microsecond=123456),
        ),
        NewOptOut("m1", None, "SEARCH", midnight),
    ]


def test_every_bad_opt_out_is_named_with_its_line():
    header = "collective,subject,use,effective_at"
    rows = [
        "DE,x.example,TRAIN,2026-01-01T00:00:00Z",
        "DE,member:m9,TRAIN,2026-01-01T00:00:00Z",
        "FR,x.example,TRAIN,2026-01-01T00:00:00Z",
        "DE,x.example,PRINT,2026-01-01T00:00:00Z",
        "DE,x.example,,2026-01-01T00:00:00Z",
        "DE,x.example,TRAIN,2026-01-01T00:00:00",
        "DE,x.example,TRAIN,2026-01-01T25:00:00Z",
        "DE,ftp://x.example,TRAIN,2026-01-01T00:00:00Z",
    ]

    assert errors(opt_outs, *rows, header=header) == [
        (3, "subject", "no such member: m9"),
        (4, "collective", "this is DE"),
        (5, "use", "unknown: 'PRINT', known: *, SEARCH, TRAIN"),
        (6, "use", "unknown: '', known: *, SEARCH, TRAIN"),
        (7, "effective_at", "no RFC 3339 time with an offset: '2026-01-01T00:00:00'"),
        (8, "effective_at", "no RFC 3339 time: '2026-01-01T25:00:00Z'"),
        (
            9,
            "subject",
            f"{MalformedClaimError.__doc__} (neither http nor https)",
        ),
    ]


@READERS
def test_a_file_may_hold_no_rows(read, header, good):
    assert read(header=header) == []
    assert len(read(good, header=header)) == 1


@READERS
def test_an_unknown_column_is_refused(read, header, good):
    assert errors(read, f"{good},x", header=f"{header},colour") == [(1, "colour", "unknown column")]


@READERS
def test_a_missing_column_is_refused(read, header, good):
    first, _, rest = header.partition(",")

    assert errors(read, good, header=rest) == [(1, first, "missing column")]


@READERS
def test_a_column_may_stand_once(read, header, good):
    first = header.partition(",")[0]

    assert errors(read, f"{good},x", header=f"{header},{first}") == [(1, first, "twice")]


@READERS
@pytest.mark.parametrize("more", [-1, 1])
def test_a_row_with_another_number_of_fields_is_refused(read, header, good, more):
    wanted, bad = header.count(",") + 1, f"{good}," if more > 0 else good.rpartition(",")[0]

    assert errors(read, good, bad, good, header=header) == [
        (3, "-", f"{wanted + more} columns instead of {wanted}")
    ]


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (b"", "line 1, column -: no header row"),
        (
            f"{MEMBERS}\nm1,One,DE,2026-01-01\nm2,".encode() + b"\xff",
            "line 3, column -: not UTF-8: Windows-1252, perhaps; save the file as CSV in UTF-8",
        ),
        (f"{MEMBERS}\n".encode("utf-16"), "line 1, column -: not UTF-8"),
        (
            MEMBERS.replace(",", ";").encode(),
            "line 1, column -: columns are parted by semicolons: save the file as CSV with commas",
        ),
        (
            MEMBERS.replace(",", "\t").encode(),
            "line 1, column -: columns are parted by tabs: save the file as CSV with commas",
        ),
        (f'{MEMBERS}\nm1,"One" x,DE,2026-01-01'.encode(), "line 2, column -: bad CSV: "),
    ],
)
def test_a_file_that_is_no_table_is_refused(file, error):
    with pytest.raises(BadTableError) as caught:
        read_members(file, node="DE")

    [found] = caught.value.errors
    assert str(found).startswith(error)


def test_a_byte_order_mark_and_blank_lines_are_passed_over_and_lines_stay_counted():
    file = f'\ufeff{MEMBERS}\n\n"m\n1",One,DE,2026-01-01\n\nm2,Two,de,2026-01-01\n'.encode()

    with pytest.raises(BadTableError) as caught:
        read_members(file, node="DE")

    assert [str(error) for error in caught.value.errors] == [
        "line 3, column member_id: a control character",
        "line 6, column country: 'de' is no country code of ISO 3166, such as GB",
    ]


def test_ids_in_the_index_tell_nothing_and_stay_the_same():
    [claim] = claims("m1,x.example,standard,,,,2026-01-01,")
    known = {"holder": b"DE\nm1", "claim": b"DE\nm1\nx.example/\n2026-01-01\nNone"}
    known = {name: hashlib.sha256(text).hexdigest()[:32] for name, text in known.items()}

    assert {"holder": holder_id("DE", "m1"), "claim": claim.claim_id("DE")} == known
    assert holder_id("FR", "m1") != known["holder"]
    assert claim.claim_id("FR") != known["claim"]
