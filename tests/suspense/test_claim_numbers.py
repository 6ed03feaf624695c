"""A claim's number says whose it is, and has one form."""

import msgspec
import pytest

from federation.suspense.messages import HeldRefused
from federation.values.held import claim_number, is_claim_number


@pytest.mark.parametrize(
    ("number", "node"),
    [
        ("HC-GB-000001", "GB"),
        ("HC-GB-12345678", "GB"),
        ("HC-GB-X-000001", "GB-X"),
        ("HC-GB-000001-000001", "GB-000001"),
        (claim_number("GB", 7), "GB"),
        (claim_number("GB", 23_456_789), "GB"),
    ],
)
def test_a_number_is_of_one_node(number, node):
    assert is_claim_number(number)
    assert is_claim_number(number, of=node)
    assert not is_claim_number(number, of="FR")
    assert not is_claim_number(number, of=node[:-1])
    assert not is_claim_number(number, of=node[:1] + "." * (len(node) - 1))


@pytest.mark.parametrize(
    "text",
    [
        "HC-GB-X-000001",
        "HC-GB-00001",
        "HC-GB-123456789",
        "HC-GB-000001\n",
        "HC-GB-00000a",
        "HC-GB-" + "\u0661" * 6,
        "HC-gb-000001",
        "XHC-GB-000001",
        "",
    ],
)
def test_nothing_else_is_a_number_of_gb(text):
    assert not is_claim_number(text, of="GB")
    if text != "HC-GB-X-000001":
        assert not is_claim_number(text)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"id": text, "reason": "none"}, HeldRefused)


def test_the_first_number_of_a_node_is_six_digits():
    assert claim_number("GB", 1) == "HC-GB-000001"
