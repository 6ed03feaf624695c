"""When a licence covers a use: from its first to its last UTC day, unless it was stopped."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tests.licensing.licences import a_licence

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
END = datetime(2026, 10, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("at", "is_covered"),
    [
        (BEGIN - INSTANT, False),
        (BEGIN, True),
        (END - INSTANT, True),
        (END, False),
        (BEGIN.astimezone(timezone(timedelta(hours=-8))), True),  # 31 August there
        (END.astimezone(timezone(timedelta(hours=-8))), False),  # 30 September there
    ],
)
def test_the_first_and_the_last_utc_day_belong_to_the_term(at, is_covered):
    assert a_licence().facts().covers(at) is is_covered
    assert a_licence().is_in_force(at) is is_covered


def test_a_licence_that_ended_early_covers_its_last_day_and_no_more():
    licence = a_licence(ended_on=date(2026, 9, 10))

    assert licence.is_in_force(datetime(2026, 9, 11, tzinfo=UTC) - INSTANT)
    assert not licence.is_in_force(datetime(2026, 9, 11, tzinfo=UTC))


def test_use_before_a_revocation_stays_covered():
    revoked_at = datetime(2026, 9, 10, 12, tzinfo=UTC)
    licence = a_licence(status="REVOKED", revoked_at=revoked_at)

    assert licence.facts().covers(revoked_at)
    assert not licence.facts().covers(revoked_at + INSTANT)
    assert not licence.is_in_force(revoked_at - INSTANT)


def test_use_under_a_suspended_licence_counts_and_no_token_is_minted():
    licence = a_licence(status="SUSPENDED")

    assert licence.facts().covers(BEGIN)
    assert not licence.is_in_force(BEGIN)
