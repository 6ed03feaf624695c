"""What hinders a round is said once, until it is something else."""

import threading

import pytest

from federation.errors import RefusalError
from federation.gate import background
from federation.gate.background import Background, Round


class LostError(RefusalError):
    """Nothing is found."""

    code = "LOST"


def run(acts, monkeypatch):
    """Do a round once for each of these, which are raised, or None for a round that goes well."""
    monkeypatch.setattr(background, "AGAIN_SECONDS_MAX", 0)
    over, left = threading.Event(), list(acts)

    def act():
        if not left:
            over.set()
            return
        if (error := left.pop(0)) is not None:
            raise error

    rounds = Background({"x": Round(0, act)})
    rounds.start()
    assert over.wait(5)
    rounds.stop()


def test_the_same_trouble_is_said_once_and_again_after_it_was_over(caplog, monkeypatch):
    denied = PermissionError(13, "Permission denied", "/state/visits.lock")
    acts = [LostError("a"), LostError("a"), LostError("b"), denied, denied, None, denied]
    run(acts, monkeypatch)

    assert [record.getMessage() for record in caplog.records] == [
        "LOST: Nothing is found. (a)",
        "LOST: Nothing is found. (b)",
        "/state/visits.lock: Permission denied",
        "/state/visits.lock: Permission denied",
    ]


def test_a_defect_is_logged_each_time_with_its_place(caplog, monkeypatch):
    run([ValueError("x"), ValueError("x")], monkeypatch)

    assert [(record.getMessage(), record.exc_info is None) for record in caplog.records] == [
        ("a background round failed", False)
    ] * 2


class Waited:
    """An end that comes after so many rounds, and notes how long each was waited for."""

    def __init__(self, rounds):
        self.seconds, self._rounds = [], rounds

    def is_set(self):
        return len(self.seconds) == self._rounds

    def wait(self, seconds):
        self.seconds.append(seconds)


@pytest.mark.parametrize(
    ("every", "is_awaited", "seconds"),
    [
        (30.0, True, [1, 2, 2, 2, 2, 2, 30, 1]),
        (30.0, False, [1, 2, 4, 8, 16, 30, 30, 1]),
        (300.0, False, [1, 2, 4, 8, 16, 30, 300, 1]),
        (5.0, False, [1, 2, 4, 5, 5, 5, 5, 1]),
    ],
    ids=["awaited", "policy", "terms", "often"],
)
def test_a_round_that_failed_is_tried_again_in_growing_pauses(every, is_awaited, seconds):
    waited = Waited(len(seconds))

    def act():
        if len(waited.seconds) != 6:
            raise LostError

    background._run(Round(every, act, lambda: is_awaited), waited)

    assert waited.seconds == seconds
