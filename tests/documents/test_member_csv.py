from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from federation.documents.member_csv import (
    AMOUNTS,
    COLUMNS,
    MemberRow,
    members_head,
    members_lines,
)
from federation.money import exponent
from federation.tabular import read_table


def members_csv(rows, currency):
    return members_head() + members_lines(rows, currency)


ROW = MemberRow(
    member_id="m-1",
    name='Müller & "Söhne", 文字',
    licence="HUB-000001",
    use="TRAIN",
    units=12,
    source="received",
    attributed=1234,
    payable=1200,
    outstanding=34,
    reason="BELOW_MINIMUM",
)

BASE = replace(
    ROW, licence=None, use=None, units=None, source="base", payable=0, outstanding=0, reason=None
)


def test_the_file_of_a_node_reads_like_this():
    assert members_csv([ROW, BASE], "GBP").decode() == (
        "member_id,name,licence,use,units,source,attributed,payable,outstanding,reason,"
        "attributed_minor,payable_minor,outstanding_minor\r\n"
        'm-1,"Müller & ""Söhne"", 文字",,,,base,12.34,0.00,0.00,,1234,0,0\r\n'
        'm-1,"Müller & ""Söhne"", 文字",HUB-000001,TRAIN,12,received,12.34,12.00,0.34,'
        "BELOW_MINIMUM,1234,1200,34\r\n"
    )


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless():
    name = '=HYPERLINK("http://x.example","y")'

    written = members_csv([replace(ROW, name=name, reason="+1+cmd")], "GBP")

    [row] = read_table(written, required=[*COLUMNS, *(f"{name}_minor" for name in AMOUNTS)])
    assert row.get("name") == f"'{name}"
    assert row.get("reason") == "'+1+cmd"


def test_amounts_have_the_decimals_of_the_currency():
    row = replace(ROW, attributed=-5, payable=0, outstanding=10125)

    written = {
        currency: members_csv([row], currency).decode().splitlines()[1].split(",")[-7:-4]
        for currency in ("EUR", "JPY", "KWD")
    }

    assert written == {
        "EUR": ["-0.05", "0.00", "101.25"],
        "JPY": ["-5", "0", "10125"],
        "KWD": ["-0.005", "0.000", "10.125"],
    }


def test_a_node_without_members_gets_a_header_row():
    assert (
        members_csv([], "JPY").decode()
        == ",".join([*COLUMNS, "attributed_minor", "payable_minor", "outstanding_minor"]) + "\r\n"
    )


amounts = st.integers(-(10**20), 10**20)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)

rows = st.builds(
    MemberRow,
    texts,
    texts,
    st.none() | st.just("HUB-000001/train"),
    st.none() | st.just("TRAIN"),
    st.none() | st.integers(0, 10**20),
    st.sampled_from(["received", "domestic", "base", "tier"]),
    amounts,
    amounts,
    amounts,
    st.none() | st.just("NO_ACCOUNT"),
)


@given(
    st.lists(rows, max_size=10),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.randoms(use_true_random=False),
)
def test_a_reader_finds_every_amount_in_both_forms_whatever_the_order(some, currency, chance):
    data = members_csv(some, currency)
    shuffled = list(some)
    chance.shuffle(shuffled)

    read = list(read_table(data, required=[*COLUMNS, *(f"{name}_minor" for name in AMOUNTS)]))

    assert members_csv(iter(shuffled), currency) == data
    for name in AMOUNTS:
        minor = sorted(int(row.get(f"{name}_minor")) for row in read)
        decimals = [row.get(name).partition(".")[2] for row in read]
        assert minor == sorted(getattr(row, name) for row in some)
        assert minor == sorted(int(row.get(name).replace(".", "")) for row in read)
        assert all(len(decimal) == exponent(currency) for decimal in decimals)
    keys = [[row.get(name).encode() for name in ("member_id", "name")] for row in read]
    assert keys == sorted(keys)
