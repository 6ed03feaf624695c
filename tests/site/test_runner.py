"""Whatever becomes of a stack: nothing of it is left, and what it printed is shown."""

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from tests.site.stacks import runner
from tests.site.stacks.node import StubNode
from tests.site.stacks.runner import Server, Stack, servers

# It begins a child that holds the far end of a pipe, as it does itself until then.
PARENT = """
import signal, subprocess, sys
from pathlib import Path

print("this is printed", flush=True)
if HEEDLESS:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = Path(sys.argv[1]).with_name("held").open("wb")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=held)
held.write(b"begun")
held.close()
child.wait()
"""


def started(tmp_path, *, heedless):
    """A server whose child has begun, and the near end of the pipe."""
    text = PARENT.replace("HEEDLESS", str(heedless))
    os.mkfifo(tmp_path / "held")
    server = Server(Stack([sys.executable, "-c", text]), tmp_path, StubNode(), "plain")
    server.start()
    pipe = (tmp_path / "held").open("rb", buffering=0)
    assert pipe.read(5) == b"begun"
    return server, pipe


def is_closed(pipe):
    """Tell whether nobody holds the far end any more."""
    found, _, _ = select.select([pipe], [], [], 20)
    return bool(found) and pipe.read(1) == b""


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_stack_began_ends_with_it(tmp_path, capsys, by):
    server, pipe = started(tmp_path, heedless=False)
    with pipe:
        server.stop(by)

        assert is_closed(pipe)
    assert capsys.readouterr().err == "this is printed\n"


def test_a_stack_that_does_not_end_is_ended_with_all_it_began(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "STOP_SECONDS_MAX", 0.01)
    server, pipe = started(tmp_path, heedless=True)
    with pipe:
        with pytest.raises(runner.subprocess.TimeoutExpired):
            server.stop()

        assert is_closed(pipe)
        server.stop()
    assert capsys.readouterr().err == "this is printed\n"


BROKEN = 'import sys; print("why", sys.argv[1]); sys.exit(7)'


def test_where_a_stack_does_not_start_it_is_shown_why_and_its_folder_is_gone(capsys):
    stack = Stack([sys.executable, "-c", BROKEN])
    with pytest.raises(AssertionError, match="ended"), servers(stack, ["plain"]):
        pass

    [printed] = capsys.readouterr().err.splitlines()
    file = Path(printed.removeprefix("why "))
    assert (file.name, file.parent.exists()) == ("federation-site.json", False)
