"""Refusals as plain HTTP answers them."""

import pytest

from federation.bankfiles.xml import BankFileTooLargeError
from federation.edge.http import status_of
from federation.errors import RefusalError
from federation.metering.service import BatchTooLargeError


class OfNoDoorError(RefusalError):
    """No door knows this code."""

    code = "OF_NO_DOOR"


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(BatchTooLargeError(), 413), (BankFileTooLargeError("line 7"), 413), (OfNoDoorError(), 422)],
)
def test_a_refusal_has_the_status_of_its_code(refusal, status):
    assert status_of(refusal) == status
