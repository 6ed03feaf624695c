"""Which use a request is for, and what the refusals of the gate say."""

import pytest

from federation.gate.refusals import PolicyUnavailableError, UseNotGrantedError
from federation.gate.rulings import choose_use, require_fresh
from tests.site.conftest import NOON


@pytest.mark.parametrize(
    ("declared", "granted", "use"),
    [
        (None, ("TRAIN",), "TRAIN"),
        ("TRAIN", ("TRAIN",), "TRAIN"),
        ("GROUND", ("TRAIN", "GROUND"), "GROUND"),
    ],
)
def test_a_use_is_the_declared_one_or_the_only_one(declared, granted, use):
    assert choose_use(declared, granted) == use


@pytest.mark.parametrize(
    ("declared", "granted", "reason"),
    [
        (None, ("TRAIN", "GROUND"), "declare one of: TRAIN, GROUND"),
        ("SEARCH", ("TRAIN", "GROUND"), "SEARCH is not one of: TRAIN, GROUND"),
        ("SEARCH", ("TRAIN",), "SEARCH is not one of: TRAIN"),
        (None, (), "declare one of: "),
    ],
)
def test_a_use_that_is_not_granted_is_never_assumed(declared, granted, reason):
    with pytest.raises(UseNotGrantedError) as refusal:
        choose_use(declared, granted)
    assert refusal.value.detail == reason


def test_a_site_without_a_policy_says_that_it_has_none():
    with pytest.raises(PolicyUnavailableError) as refusal:
        require_fresh(None, NOON)
    assert refusal.value.detail == "none has been received"
