"""A quota is a bucket per principal and kind of act: it empties, and it fills again."""

import pytest

from federation import quotas
from federation.quotas import Quota, QuotaExceededError, Quotas


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


def taken(found, who, act="usage", count=1, tries=20):
    """Return how many acts in a row are let through."""
    for number in range(tries):
        try:
            found.take(who, act, count)
        except QuotaExceededError:
            return number
    return tries


def test_a_bucket_lets_through_what_it_holds_and_says_when_it_holds_more(watch):
    found = Quotas({"usage": Quota(burst=3, per_minute=6)}, watch)

    assert taken(found, "lab") == 3
    with pytest.raises(QuotaExceededError) as refusal:
        found.take("lab", "usage")
    assert (refusal.value.code, refusal.value.retry_after) == ("TOO_MANY_REQUESTS", 10)
    assert refusal.value.detail == "usage: 3 at once, 6 per minute"

    watch.seconds += 9.9
    assert taken(found, "lab") == 0
    watch.seconds += 0.2
    assert taken(found, "lab") == 1
    watch.seconds += 3_600
    assert taken(found, "lab") == 3


def test_what_guards_against_guessing_is_divided_among_processes_and_the_rest_is_of_each(watch):
    asked = {"password": Quota(6, 2), "account": Quota(3, 60), "usage": Quota(6, 2)}
    found = Quotas(asked, watch, processes=4)

    assert taken(found, "lab", "usage") == 6
    assert taken(found, "ada", "password") == 1  # 6 / 4 and no half an act
    assert taken(found, "ada", "account") == 1  # always one
    watch.seconds += 59.0  # 2 per minute among four: one in two minutes, of which half was left
    assert taken(found, "ada", "password") == 0
    watch.seconds += 1.1
    assert taken(found, "ada", "password") == 1
    watch.seconds += 3_600
    assert taken(found, "ada", "account") == 1


def test_what_one_uses_up_is_nobody_elses_and_of_no_other_kind(watch):
    found = Quotas({"usage": Quota(3, 6), "files": Quota(2, 6)}, watch)

    assert taken(found, "hostile") == 3
    assert taken(found, "honest") == 3
    assert taken(found, "hostile", "files") == 2


def test_more_than_a_bucket_ever_holds_is_taken_from_a_full_one_and_paid_for_later(watch):
    found = Quotas({"quotes": Quota(burst=100, per_minute=60)}, watch)

    found.take("lab", "quotes", 160)
    with pytest.raises(QuotaExceededError) as refusal:
        found.take("lab", "quotes")
    assert refusal.value.retry_after == 61
    watch.seconds += 61
    found.take("lab", "quotes")


def test_so_many_buckets_are_kept_and_no_more(watch, monkeypatch):
    monkeypatch.setattr(quotas, "BUCKETS_MAX", 10)
    found = Quotas({"anonymous": Quota(1, 1)}, watch)

    for number in range(1_000):
        found.take(f"192.0.2.{number}", "anonymous")

    assert {act: len(kept) for act, kept in found._buckets.items() if kept} == {"anonymous": 10}


def test_strangers_of_many_addresses_empty_no_known_callers_bucket(watch, monkeypatch):
    monkeypatch.setattr(quotas, "BUCKETS_MAX", 10)
    found = Quotas({"graphql": Quota(1, 1), "anonymous": Quota(1, 1)}, watch)
    found.take("lab", "graphql")

    for number in range(100):
        found.take(f"192.0.2.{number}", "anonymous")

    with pytest.raises(QuotaExceededError):
        found.take("lab", "graphql")


def test_what_is_given_back_may_be_taken_again_and_no_more_than_a_bucket_holds(watch):
    found = Quotas({"oauth": Quota(burst=10, per_minute=1)}, watch)
    found.give_back("nobody", "oauth", 5)  # of whom nothing was taken: nothing is kept

    found.take("lab", "oauth", 10)
    found.give_back("lab", "oauth", 9)
    assert taken(found, "lab", "oauth") == 9
    found.give_back("lab", "oauth", 1_000)

    assert taken(found, "lab", "oauth") == 10
    assert list(found._buckets["oauth"]._kept) == ["lab"]
