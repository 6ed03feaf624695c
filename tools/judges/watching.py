"""Let Prometheus judge the alert rules that are shipped: `promtool check rules`."""

import shutil
import subprocess
import sys
from pathlib import Path

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yml"


def main() -> int:
    """Return promtool's verdict; without it there is none, which is a failure."""
    promtool = shutil.which("promtool")
    if promtool is None:
        sys.exit("not installed: promtool (apt-get install prometheus)")
    return subprocess.call([promtool, "check", "rules", str(RULES)])


if __name__ == "__main__":
    sys.exit(main())
