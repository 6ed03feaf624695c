"""Look at the pages of a hub and a node with a headless Chromium: `python -m tools.browser.run`.

Pictures of what it saw are put into the folder that is given, else thrown away.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.judges.run import ROOT, SERVERS, free_port, officer_token, wait_for

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Look at each server and answer with the worst outcome."""
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None:
        sys.exit("There is no Chromium here: apt-get install chromium")
    with tempfile.TemporaryDirectory() as thrown_away:
        pictures = Path(sys.argv[1] if len(sys.argv) > 1 else thrown_away).absolute()
        return max(look(name, browser, pictures) for name in SERVERS)


def look(name: str, browser: str, pictures: Path) -> int:
    """Answer 0 if the page of a server is as it should be."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [part.format(port=port, folder=folder) for part in SERVERS[name]]
        server = subprocess.Popen(command, cwd=ROOT)
        try:
            wait_for(server, port)
            url, picture = f"http://127.0.0.1:{port}", str(pictures / f"{name}.png")
            asked = ["node", "graphiql.mjs", url, officer_token(folder), browser, picture]
            return subprocess.call(asked, cwd=Path(__file__).parent)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
