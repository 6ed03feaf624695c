"""An import that dies at any of its writes, or meets a full disk, loses and doubles nothing."""

import json
import subprocess
import sys
from pathlib import Path

from tests.accesslogs.publisher import combined, shown, write_site

DEATHS = 74  # writes of formats, spool, refused lines, state; three checkpoints, two ways to die
FATES = {"TOKEN_LOGGED": 19, "NOT_A_CRAWLER": 2, "MALFORMED": 3}


def test_whatever_stops_an_import_the_next_one_goes_on(tmp_path):
    write_site(tmp_path / "site.json")
    lines = [shown(f"/{number % 4}") for number in range(19)]
    for place in (3, 9, 20):
        lines.insert(place, combined()[:50])
    log = tmp_path / "a.log"
    log.write_bytes(b"\n".join([combined(), *lines, combined(), b""]))

    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("dying_import.py"), tmp_path, log],
        capture_output=True,
        text=True,
        check=True,
    )
    whole, *others = [json.loads(line) for line in ended.stdout.splitlines()]

    assert (len(whole["ids"]), whole["fates"], whole["more"]) == (19, FATES, [])
    for found in others:
        assert {**found, "kind": 0, "ended": 0} == {**whole, "kind": 0}, found
    deaths = [found["ended"] for found in others if found["kind"] == "dying"]
    assert (deaths.count(7), deaths.count(0)) == (len(deaths) - 2, 2)
    assert len(deaths) == DEATHS
    full = [found["ended"] for found in others if found["kind"] == "full"]
    assert (full[0], full[-1]) == (2, 0)
