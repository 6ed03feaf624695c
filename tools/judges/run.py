"""Start each server on a loopback port, let graphql-http's audit and OAuth clients judge it."""

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
START_SECONDS_MAX = 120  # a machine that does much else; here it takes two or three

# Name -> command; `{port}` and `{folder}` are replaced.
SERVERS = {
    "hub": [sys.executable, str(Path(__file__).parent / "serve.py"), "hub", "{port}", "{folder}"],
    "node": [sys.executable, str(Path(__file__).parent / "serve.py"), "node", "{port}", "{folder}"],
}


def main() -> int:
    """Judge every server and answer with the worst outcome."""
    return max(judge(name, command) for name, command in SERVERS.items())


def judge(name: str, command: list[str]) -> int:
    """Answer 0 if the server passes every check."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        parts = [part.format(port=port, folder=folder) for part in command]
        server = subprocess.Popen(parts, cwd=ROOT)
        try:
            wait_for(server, port)
            print(f"== {name}", flush=True)
            url, here = f"http://127.0.0.1:{port}", Path(__file__).parent
            return max(
                subprocess.call(["node", "audit.mjs", f"{url}/graphql"], cwd=here),
                subprocess.call(["node", "oauth.mjs", url, officer_token(folder)], cwd=here),
            )
        finally:
            server.terminate()
            server.wait()


def officer_token(folder: str) -> str:
    """Return the token of somebody who may make clients."""
    person = ["--subject", "judge", "--role", "licensing_officer"]
    command = [sys.executable, "-m", "federation.cli", "token", "--config"]
    asked = [*command, f"{folder}/config.toml", *person]
    return subprocess.check_output(asked, cwd=ROOT, text=True).strip()


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
