"""Imports that die at each of their writes, or meet a full disk; run by test_dying.py.

Each is a process of its own, forked from this one: it dies at its nth call that changes the disk,
before the call or in the middle of what it writes. A second import then goes on undisturbed. What
stands in the spool and among the refused lines at the end is printed, one JSON line for each.
"""

import contextlib
import io
import json
import os
import resource
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from federation.accesslogs import importing, sources
from federation.accesslogs.command import main
from federation.gate.spool import Spool

HOME, LOG = Path(sys.argv[1]), sys.argv[2]
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CALLS = ("write", "pwrite", "fsync", "ftruncate", "rename", "replace", "unlink")
importing.CHECKPOINT_EVENTS = 7  # several in one log, of several blocks
importing.TOGETHER = 3
sources.BLOCK_BYTES = 2_000


def run():
    command = ["--config", str(HOME / "site.json"), "--no-send", LOG]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(command, clock=lambda: NOW)


def dying_at(number, *, in_the_middle):
    """Let the process die at a call; it ends with 7 then, with 0 if there were fewer."""
    left = number

    def wrapped(name, call):
        def counted(*words):
            nonlocal left
            left -= 1
            if left == 0:
                if in_the_middle and name in {"write", "pwrite"}:
                    call(words[0], words[1][: len(words[1]) // 2], *words[2:])
                elif in_the_middle:
                    call(*words)
                os._exit(7)
            return call(*words)

        return counted

    for name in CALLS:
        setattr(os, name, wrapped(name, getattr(os, name)))
    return run()


def full_at(size):
    """Let no file grow beyond a size: what a full disk does, to each file by itself."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return run()


def left_by(act):
    """Return how a child ended that did something, and what stands there after a second import."""
    shutil.rmtree(HOME / "state", ignore_errors=True)
    child = os.fork()
    if child == 0:
        os._exit(act())
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = run()
    batches = [batch.read().splitlines() for batch in Spool(HOME / "state" / "spool").batches()]
    events = [json.loads(line)["event_id"] for lines in batches for line in lines]
    [refused] = (HOME / "state" / "logs" / "refused").glob("*.jsonl")
    [known] = (HOME / "state" / "logs" / "known").glob("*.json")
    return {
        "ended": ended,
        "again": code,
        "ids": sorted(set(events)),
        "refused": [json.loads(line)["line"] for line in refused.read_bytes().splitlines()],
        "fates": json.loads(known.read_bytes())["fates"],
        "more": sorted(path.name for path in (HOME / "state" / "logs").rglob("*.new")),
    }


def say(kind, found):
    sys.stdout.write(json.dumps({"kind": kind} | found) + "\n")


say("whole", left_by(lambda: 0))
for in_the_middle in (False, True):
    number, ended = 0, 7
    while ended == 7:
        number += 1
        found = left_by(lambda n=number, m=in_the_middle: dying_at(n, in_the_middle=m))
        ended = found["ended"]
        say("dying", found)
for size in range(0, 12_000, 700):
    say("full", left_by(lambda n=size: full_at(n)))
