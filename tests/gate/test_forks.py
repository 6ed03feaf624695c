"""A process that forks while its threads work leaves the child nothing that is locked for ever."""

import gc
import os
import signal
import warnings
from datetime import UTC, datetime

from federation.access import forks
from federation.gate.guesses import Guesses
from federation.gate.known_tokens import KnownTokens
from federation.gate.visits import VisitCounts

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
SECONDS_MAX = 60


def in_a_child(act):
    """Fork; return what the child's act returned, 1 if it defected, and SIGALRM if it hung."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        pid = os.fork()
    if pid == 0:
        signal.alarm(SECONDS_MAX)
        status = 1
        try:
            status = act()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_what_was_locked_while_a_process_forked_is_free_in_the_child(site, tmp_path):
    guesses = Guesses()
    guesses.is_wrong("192.0.2.1", "token")
    known = KnownTokens({}, "https://hub.example")
    visits = VisitCounts(tmp_path / "visits.json", lambda: NOON)
    visits.licensed("GPTBot", is_counted=True)
    token = site.token()

    def act():
        guesses.is_wrong("192.0.2.2", "token")
        with known._lock:
            visits.licensed("GPTBot", is_counted=True)
        answered = site.gate.gate.decide(site.licensed(token))
        is_served = type(answered).__name__ == "Visit"
        # What the parent counted it tells itself: once.
        is_anew = (guesses._wrong.total(), visits._new.total()) == (1, 1)
        return 0 if is_served and is_anew else 2

    config = site.gate.gate.config
    locks = [guesses._lock, known._lock, visits._turn, config.spool._lock, config.nonces._lock]
    locks += [config.guesses._lock, site.current().tokens._lock]
    for each in locks:
        each.acquire()
    try:
        assert in_a_child(act) == 0
    finally:
        for each in locks:
            each.release()


def test_what_is_no_longer_used_is_not_kept_for_forks():
    gc.disable()  # what others left is kept as long as that
    try:
        before = len(forks._holders)
        held = Guesses()
        assert len(forks._holders) == before + 1
        del held

        assert len(forks._holders) == before
    finally:
        gc.enable()
