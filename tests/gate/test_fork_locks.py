"""A child that was forked during a round holds nothing back once its parent's round is over."""

import os
import signal
import threading
import warnings
from contextlib import ExitStack

import pytest

from federation.access.kept import Fresh, Kept
from federation.accesslogs.known import only_import
from federation.gate.background import Background, Round
from federation.gate.spool import Spool
from federation.gate.visits import VisitCounts
from tests.site.conftest import NOON

SECONDS_MAX = 60


@pytest.fixture
def fork():
    """A function that forks a child, which does something and lives on until the test is over."""
    with ExitStack() as exits:

        def forked(act=lambda: None):
            told, tell = os.pipe()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
                pid = os.fork()
            if pid == 0:
                signal.alarm(SECONDS_MAX)
                act()
                os.write(tell, b"done")
                signal.pause()
            os.close(tell)
            exits.callback(os.close, told)
            exits.callback(os.waitpid, pid, 0)
            exits.callback(os.kill, pid, signal.SIGKILL)
            return os.read(told, 4)

        yield forked


def test_the_locks_of_a_round_end_with_it(fork, tmp_path):
    spool = Spool(tmp_path / "spool")
    visits = VisitCounts(tmp_path / "visits.json", lambda: NOON)
    visits.licensed("GPTBot", is_counted=True)
    with spool.sending(), visits.telling(), visits._held(), only_import(tmp_path):
        assert fork() == b"done"

    with spool.sending() as is_sender, visits.telling() as is_teller, only_import(tmp_path):
        assert (is_sender, is_teller) == (True, True)
    signal.alarm(SECONDS_MAX)
    visits.add_up()
    signal.alarm(0)


def test_what_a_thread_of_the_parent_was_fetching_is_fetched_in_the_child(fork):
    kept = Kept(lambda: Fresh("token", 60.0), what="token")
    with kept._turn:
        assert fork(kept.current) == b"done"


def test_rounds_that_were_beginning_in_the_parent_begin_in_the_child(fork):
    done = threading.Event()
    background = Background({"policy": Round(60, done.set)})

    def act():
        background.start()
        assert done.wait(SECONDS_MAX)
        background.stop()

    with background._turn:
        assert fork(act) == b"done"
