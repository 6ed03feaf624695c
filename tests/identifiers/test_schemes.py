import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.identifiers.music import ipi, iswc
from federation.identifiers.schemes import BadIdentifierError, Scheme, parse_identifier

PLAIN = {
    "ISBN:978-3-16-148410-0": "ISBN:9783161484100",
    "isbn: 0-306-40615-2": "ISBN:9780306406157",
    "ISSN:2049-3630": "ISSN:20493630",
    "DOI:https://doi.org/10.1000/ABC": "DOI:10.1000/abc",
    "DOI:doi:10.1000/abc": "DOI:10.1000/abc",
    "DOI:10.1000/ABC(1)<x>": "DOI:10.1000/abc(1)<x>",
    "DOI:10.1000.7/É": "DOI:10.1000.7/é",
    "ISWC:T-034.524.680-1": "ISWC:T0345246801",
    "ISRC:GB-AYE-68-00011": "ISRC:GBAYE6800011",
    "ISNI:0000 0001 2146 438X": "ISNI:000000012146438X",
    "ORCID:https://orcid.org/0000-0002-1825-0097": "ORCID:0000000218250097",
    "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVHDI": (
        "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVHDI"
    ),
    "IPI:00014107338": "IPI:00014107338",
    "IPI:I-000000229-7": "IPI:I0000002297",
}
WRONG = {
    "ISBN:978-3-16-148410-1": "its check digit is wrong",
    "ISBN:978316148410": "it has not as many characters as it must",
    "ISBN:978-3-16-14841\u0660-0": "it has characters that it must not have",
    "ISSN:2049-3631": "its check digit is wrong",
    "ISRC:99AYE6800011": "it has characters that it must not have",
    "DOI:10.1000/a b": "a DOI has no blanks",
    "DOI:11.1000/x": "a DOI is 10., a registrant's number, a slash and a name",
    "ISWC:T-034.524.680-2": "its check digit is wrong",
    "ISWC:034.524.680-1": "an ISWC is T and ten digits",
    "IPI:00014107339": "its check digits are wrong",
    "IPI:14107338": "an IPI is nine to eleven digits, or I and ten digits",
    "IPI:I-000000229-8": "its check digit is wrong",
    "ORCID:0000 0001 2146 438X": "it lies outside of the block of ISNIs that ORCID gives out",
    "EAN:4006381333931": "write SCHEME:value with one of ISBN, ISSN,",
    "9783161484100": "write SCHEME:value with one of ISBN, ISSN,",
    "ISBN:" + "9" * 257: "longer than 256 characters",
}


@pytest.mark.parametrize(("written", "plain"), PLAIN.items())
def test_an_identifier_has_one_plain_form(written, plain):
    assert parse_identifier(written).text == plain
    assert parse_identifier(plain).text == plain


@pytest.mark.parametrize(("written", "reason"), WRONG.items())
def test_what_fails_a_check_is_refused_with_that_check(written, reason):
    with pytest.raises(BadIdentifierError) as refused:
        parse_identifier(written)

    assert reason in refused.value.detail


@given(st.integers(0, 10**9 - 1), st.integers(1, 9), st.integers(0, 8))
def test_another_digit_in_an_iswc_is_found(number, other, place):
    digits = f"{number:09d}"
    check = -(1 + sum(i * int(d) for i, d in enumerate(digits, start=1))) % 10
    changed = digits[:place] + str((int(digits[place]) + other) % 10) + digits[place + 1 :]
    moved = (place + 1) * ((int(digits[place]) + other) % 10 - int(digits[place])) % 10

    assert iswc(f"T{digits}{check}") == f"T{digits}{check}"
    if moved:  # digits in even places can change by five unseen: the standard's own weakness
        with pytest.raises(ValueError, match="check digit"):
            iswc(f"T{changed}{check}")


@given(st.integers(0, 10**9 - 1))
def test_an_ipi_has_one_pair_of_check_digits(number):
    taken = [check for check in range(100) if _is_ipi(f"{number:09d}{check:02d}")]

    assert len(taken) == 1


def _is_ipi(text):
    try:
        return ipi(text) == text
    except ValueError:
        return False


@given(st.sampled_from(list(Scheme)), st.text(max_size=300))
def test_no_text_is_more_than_refused(scheme, text):
    try:
        found = parse_identifier(f"{scheme}:{text}")
    except BadIdentifierError:
        return
    assert parse_identifier(found.text) == found
