"""What a failure to open a connection is called."""

import asyncpg
import pytest

from federation.store.failures import DatabaseDownError, explained_opening


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("nobody listens"),
        asyncpg.InterfaceError("the connection is closed"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TargetServerAttributeNotMatched("none of the hosts is the primary"),
    ],
)
def test_a_database_that_cannot_be_reached_is_down_and_no_defect(error):
    assert type(explained_opening(error)) is DatabaseDownError


def test_a_defect_stays_one():
    assert explained_opening(KeyError("pool")) is None
