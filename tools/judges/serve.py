"""Serve a fresh hub or node on a loopback port, for a judge: `serve.py hub|node PORT FOLDER`."""

import signal
import subprocess
import sys
from pathlib import Path

HUB = """
name = "Hub under judgement"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [0, 5000]
[terms]
tier_weight = { standard = 1000 }
use_weight = { TRAIN = 1000 }
"""
NODE = """
code = "GB"
name = "Node under judgement"
country = "GB"
settlement_currency = "GBP"
admin_fee_bps = 1000
collecting_fee_bps = 0
minimum_payment = 0
plan = "per_usage"
[hub]
entity_id = "https://hub.federation.example"
url = "http://127.0.0.1:9"
key_thumbprint = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""


PEOPLE = """
[[principal]]
subject = "judge"
roles = ["licensing_officer"]
[[principal]]
subject = "fuzz"
roles = ["settlement_officer", "registry_officer", "licensing_officer", "auditor"]
"""


def main() -> None:
    """Write a configuration, make the database, serve until terminated.

    The server's name is its URL, as clients of its OAuth endpoints expect.
    """
    role, port, folder = sys.argv[1:]
    config = Path(folder) / "config.toml"
    head = f'entity_id = "http://127.0.0.1:{port}"\nport = {port}\nlog_level = "error"\n'
    there = f'data_dir = "{folder}"\n'
    config.write_text(head + there + (HUB if role == "hub" else NODE) + PEOPLE, encoding="utf-8")
    command = [sys.executable, "-m", "federation.cli"]
    subprocess.run([*command, "db", "upgrade", "--config", str(config)], check=True)
    server = subprocess.Popen([*command, role, "serve", "--config", str(config)])
    try:
        sys.exit(server.wait())
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main()
