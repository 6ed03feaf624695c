"""What a field of a message may hold."""

import msgspec
import pytest

from federation.values.wire import (
    LicenceKeyText,
    LicenceNumber,
    NobodyYet,
    PartyCodeText,
    PartyInRun,
)

CODES = ["HUB", "A-1", "ABCDEFGHIJKL"]
NOBODY = ["~UNMATCHED", "~DISPUTED", "~LATE:DE", "~LATE:ABCDEFGHIJKL"]
NEITHER = ["", "A", "ABCDEFGHIJKLM", "de", "~", "~LATE", "~LATE:", "~LATE:de", "DE\n", "~DE", "DE "]


def takes(shape, text):
    try:
        return msgspec.convert(text, shape) == text
    except msgspec.ValidationError:
        return False


@pytest.mark.parametrize(
    ("shape", "taken"),
    [(PartyCodeText, CODES), (NobodyYet, NOBODY), (PartyInRun, [*CODES, *NOBODY])],
)
def test_a_party_of_a_run_is_a_code_or_a_name_for_nobody_yet(shape, taken):
    assert [text for text in [*CODES, *NOBODY, *NEITHER] if takes(shape, text)] == taken


def test_a_licence_is_numbered_by_its_licensor_and_a_key_may_name_a_component():
    numbers = [f"{code}-000001" for code in CODES]
    keys = [f"{number}/text" for number in numbers]
    wrong = ["HUB-00001", "hub-000001", "HUB-0000000000001", "HUB-000001/", "HUB-000001/~a"]

    assert [text for text in [*numbers, *keys, *wrong] if takes(LicenceNumber, text)] == numbers
    assert [text for text in [*numbers, *keys, *wrong] if takes(LicenceKeyText, text)] == [
        *numbers,
        *keys,
    ]
