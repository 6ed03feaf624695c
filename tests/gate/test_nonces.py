"""A nonce is taken once: by one process of many, until it may be forgotten, within a limit."""

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest

from federation.gate.nonces import NonceStore
from federation.gate.refusals import (
    NoncesFullError,
    NoncesOfLabFullError,
    NonceStoreError,
    ReplayedRequestError,
)
from federation.signing.signatures import Proof
from tests.site.conftest import NOON

SECOND = int(NOON.timestamp())
LAB = "lab-1"


def proof(nonce="nonce-1", keyid="key-1", expires=SECOND + 60):
    return Proof(keyid, nonce, expires)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gate" / "nonces.sqlite"


def rows(path):
    with sqlite3.connect(path) as connection:
        [count] = connection.execute("SELECT count(*) FROM nonces").fetchone()
        [held] = connection.execute("SELECT count FROM held").fetchone()
        labs = dict(connection.execute("SELECT lab, count FROM labs"))
        found = dict(connection.execute("SELECT lab, count(*) FROM nonces GROUP BY lab"))
    connection.close()
    assert (count, found) == (held, labs)
    return count


def test_a_nonce_is_taken_once_by_each_key(path):
    store = NonceStore(path)
    store.take(proof(), LAB, NOON)
    store.take(proof(keyid="key-2"), LAB, NOON)
    store.take(proof("nonce-2"), LAB, NOON)

    for again in (store, NonceStore(path)):
        with pytest.raises(ReplayedRequestError):
            again.take(proof(), LAB, NOON)
    assert rows(path) == 3


def test_a_nonce_is_remembered_after_a_restart(path):
    store = NonceStore(path)
    store.take(proof(), LAB, NOON)
    store.close()

    with pytest.raises(ReplayedRequestError):
        store.take(proof(), LAB, NOON)


def test_a_nonce_is_dropped_a_minute_after_its_signature_is_refused_anyway(path):
    """The signature is refused from 120 s on; the minute is for who waited between the two."""
    store = NonceStore(path)
    store.take(proof(), LAB, NOON)

    store.take(proof("nonce-2", expires=SECOND + 200), LAB, NOON + timedelta(seconds=179))
    assert rows(path) == 2
    store.take(proof("nonce-3", expires=SECOND + 200), LAB, NOON + timedelta(seconds=180))
    assert rows(path) == 2


def test_a_clock_that_was_ahead_and_is_set_back_lets_nothing_be_served_again(path):
    """What was dropped meanwhile is refused, also after a restart; what was not is as before."""
    store = NonceStore(path)
    store.take(proof(), LAB, NOON)
    store.take(proof("ahead", expires=SECOND + 241), LAB, NOON + timedelta(seconds=180))
    store.close()

    for again in (store, NonceStore(path)):
        with pytest.raises(NonceStoreError, match="the clock was set back"):
            again.take(proof(), LAB, NOON)
        with pytest.raises(NonceStoreError, match="the clock was set back"):
            again.take(proof("another of that second"), LAB, NOON)
        with pytest.raises(ReplayedRequestError):
            again.take(proof("ahead", expires=SECOND + 241), LAB, NOON)
    assert rows(path) == 1
    store.take(proof("later", expires=SECOND + 61), LAB, NOON + timedelta(seconds=1))
    assert rows(path) == 2


def test_a_clock_that_goes_back_before_anything_was_dropped_refuses_nothing_but_replays(path):
    store = NonceStore(path)
    store.take(proof(), LAB, NOON + timedelta(seconds=100))
    store.take(proof("nonce-2", expires=SECOND), LAB, NOON - timedelta(seconds=50))

    with pytest.raises(ReplayedRequestError):
        store.take(proof(), LAB, NOON)
    assert rows(path) == 2


def test_what_is_over_is_dropped_64_at_a_time(path):
    store = NonceStore(path)
    for number in range(100):
        store.take(proof(str(number)), LAB, NOON)
    later = NOON + timedelta(seconds=600)

    found = []
    for number in range(3):
        store.take(proof(f"later-{number}", expires=SECOND + 660), LAB, later)
        found.append(rows(path))

    assert found == [37, 2, 3]


def test_a_store_that_is_full_refuses_and_forgets_nothing(path):
    store = NonceStore(path, nonces_max=3)
    for number in range(3):
        store.take(proof(str(number)), f"lab-{number}", NOON)

    with pytest.raises(NoncesFullError):
        store.take(proof("3"), "lab-3", NOON)
    assert rows(path) == 3
    with pytest.raises(NoncesFullError):
        store.take(proof("0"), "lab-0", NOON)

    store.take(proof("3", expires=SECOND + 240), "lab-3", NOON + timedelta(seconds=180))
    assert rows(path) == 1


def test_a_lab_has_as_many_nonces_as_there_is_room_left_for_others(path):
    """Of 60: one alone has 30, a second 15 beside it; whoever comes then finds room."""
    store = NonceStore(path, nonces_max=60)
    taken = [fill(store, lab) for lab in ("lab-1", "lab-2", "lab-3")]

    assert taken == [30, 15, 8]
    with pytest.raises(NoncesOfLabFullError) as refusal:
        store.take(proof("more"), "lab-1", NOON)
    assert (refusal.value.status, refusal.value.retry_after) == (429, 60)
    assert rows(path) == 53
    with pytest.raises(ReplayedRequestError):
        store.take(proof("lab-1 0", "lab-1"), "lab-1", NOON)
    store.take(proof("one", expires=SECOND + 240), "lab-1", NOON + timedelta(seconds=180))
    assert rows(path) == 1


def fill(store, lab):
    """Take what a lab may take, with a key of its own for each; return how many those were."""
    for number in range(100):
        try:
            store.take(proof(f"{lab} {number}", lab), lab, NOON)
        except NoncesOfLabFullError:
            return number
    return 100


def test_a_file_from_before_labs_were_counted_loses_no_nonce(path):
    path.parent.mkdir()
    name = sha256(b"key-1 nonce-1").digest()
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE nonces (name BLOB PRIMARY KEY, forgotten_at INTEGER NOT NULL)"
            " WITHOUT ROWID"
        )
        old.execute("CREATE TABLE held (only_row INTEGER PRIMARY KEY, count INTEGER NOT NULL)")
        old.execute("INSERT INTO nonces VALUES (?, ?)", (name, SECOND + 120))
        old.execute("INSERT INTO held VALUES (1, 1)")
    old.close()

    for store in (NonceStore(path), NonceStore(path)):
        with pytest.raises(ReplayedRequestError):
            store.take(proof(), LAB, NOON)
    store.take(proof("nonce-2", expires=SECOND + 240), LAB, NOON + timedelta(seconds=180))
    assert rows(path) == 1


def test_a_file_that_is_none_of_ours_is_refused_and_left_as_it_is(path):
    path.parent.mkdir()
    path.write_bytes(b"Not a database, but somebody's file." * 100)

    with pytest.raises(NonceStoreError, match="DatabaseError"):
        NonceStore(path).take(proof(), LAB, NOON)
    assert path.read_bytes().startswith(b"Not a database")


def test_a_place_that_cannot_be_written_is_refused(path):
    path.parent.write_bytes(b"a file where the directory should be")

    with pytest.raises(NonceStoreError):
        NonceStore(path).take(proof(), LAB, NOON)


def test_another_writer_that_does_not_end_is_waited_for_and_then_refused(path, monkeypatch):
    monkeypatch.setattr("federation.gate.nonces.WAIT_SECONDS", 0)
    store = NonceStore(path)
    store.take(proof(), LAB, NOON)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(NonceStoreError, match="OperationalError"):
        store.take(proof("nonce-2"), LAB, NOON)
    other.execute("ROLLBACK")
    other.close()
    store.take(proof("nonce-2"), LAB, NOON)

    assert rows(path) == 2


def test_nobody_else_may_read_the_nonces(path):
    store = NonceStore(path)
    store.take(proof(), LAB, NOON)

    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == {
        "nonces.sqlite": 0o600,
        "nonces.sqlite-wal": 0o600,
        "nonces.sqlite-shm": 0o600,
    }
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_of_many_threads_one_takes_a_nonce(path):
    stores = [NonceStore(path), NonceStore(path)]

    def take(number):
        try:
            stores[number % 2].take(proof(str(number // 8)), LAB, NOON)
        except ReplayedRequestError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(take, range(160)))

    assert [sum(taken[start : start + 8]) for start in range(0, 160, 8)] == [1] * 20


FORKED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from federation.gate.nonces import NonceStore
from federation.gate.refusals import ReplayedRequestError
from federation.signing.signatures import Proof
now = datetime(2026, 11, 20, 12, tzinfo=UTC)
store = NonceStore(Path(sys.argv[1]))
store.take(Proof("key", "parent", int(now.timestamp()) + 60), "lab", now)
child = os.fork()
name = "of both"
try:
    store.take(Proof("key", name, int(now.timestamp()) + 60), "lab", now)
    taken = 1
except ReplayedRequestError:
    taken = 0
if child == 0:
    assert len(store._of_parent) == 1
    os._exit(10 + taken)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(sorted([taken + 10, status]))
"""


def test_a_process_that_was_forked_opens_the_file_for_itself(path):
    ran = subprocess.run(
        [sys.executable, "-c", FORKED, str(path)], check=True, capture_output=True, text=True
    )

    assert ran.stdout == "[10, 11]\n"
    assert rows(path) == 2
