"""A site in a process of its own that is killed at a stated point; run by test_spool.py.

The node is a directory: a file per attempt, named by the Idempotency-Key. The second run (`never`)
appends nothing: it only reports what the first one left.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from federation.gate.events import UsageLine
from federation.gate.spool import Spool

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE, CRASH = Path(sys.argv[1]), sys.argv[2]


def die_if(moment):
    if moment == CRASH:
        os.kill(os.getpid(), signal.SIGKILL)


def an_event(number):
    texts = [f"event-{number}", "HUB-000001", "https://pub.example/", "ai-input"]
    return UsageLine(*texts, 1, NOON, "jti", "GPTBot", 200, 7)


def main():
    node = BASE / "node"
    node.mkdir(exist_ok=True)
    spool = Spool(BASE / "spool", batch_lines=10)
    for number in range(0 if CRASH == "never" else 25):
        spool.append(an_event(number))
    if CRASH == "torn":
        os.write(spool._segment.handle, b'{"event_id":"event-')
    die_if("torn")
    die_if("after append")
    batches = spool.batches()
    die_if("after freeze")
    for count, batch in enumerate(batches, start=1):
        (node / f"{batch.id}.{os.getpid()}").write_bytes(batch.read())
        die_if("after send")
        if count == 2:
            die_if("while sending the second")
        spool.acknowledge(batch)


main()
