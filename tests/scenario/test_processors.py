"""A federation in one process keeps to one processor while it runs, and gives the others back."""

import os
import sys

import pytest

from federation.scenario import processors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told where to run")


def test_while_it_runs_there_is_one_processor_and_afterwards_all():
    allowed = os.sched_getaffinity(0)
    with processors.one_processor():
        kept = os.sched_getaffinity(0)
    assert len(kept) == 1
    assert kept <= allowed
    assert os.sched_getaffinity(0) == allowed


def test_it_is_the_one_that_had_least_to_do(monkeypatch):
    ticks = iter([{0: 100, 1: 100, 2: 500}, {0: 102, 1: 110, 2: 505}])
    monkeypatch.setattr(processors, "_idle_ticks", lambda: next(ticks))

    assert processors._idlest({0, 1, 2}) == 1


def test_the_statistics_are_read_for_each_processor_and_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(processors, "_STATISTICS", tmp_path / "stat")
    assert processors._idle_ticks() == {}

    (tmp_path / "stat").write_text("cpu 9 9 9 9 9\ncpu0 1 2 3 40 5\ncpu11 1 2 3 60 7 8\nintr 1\n")
    assert processors._idle_ticks() == {0: 45, 11: 67}
