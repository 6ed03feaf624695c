"""Start each server on a loopback port, let graphql-http's audit judge it, stop it again."""

import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
START_SECONDS_MAX = 30

# Name -> command; `{port}` is replaced.
SERVERS = {
    "hub": [sys.executable, str(Path(__file__).parent / "serve.py"), "hub", "{port}"],
    "node": [sys.executable, str(Path(__file__).parent / "serve.py"), "node", "{port}"],
}


def main() -> int:
    """Judge every server and answer with the worst outcome."""
    return max(judge(name, command) for name, command in SERVERS.items())


def judge(name: str, command: list[str]) -> int:
    """Answer 0 if the server passes every check."""
    port = free_port()
    server = subprocess.Popen([part.format(port=port) for part in command], cwd=ROOT)
    try:
        wait_for(server, port)
        print(f"== {name}", flush=True)
        url = f"http://127.0.0.1:{port}/graphql"
        return subprocess.call(["node", "audit.mjs", url], cwd=Path(__file__).parent)
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Return when the server accepts connections."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"The server on port {port} did not start.")


if __name__ == "__main__":
    sys.exit(main())
