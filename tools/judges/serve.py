"""Serve a fresh hub or node on a loopback port, for a judge: `serve.py hub|node PORT`."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HUB = """
entity_id = "https://hub.federation.example"
name = "Hub under judgement"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [0, 5000]
[terms]
tier_weight = { standard = 1000 }
use_weight = { TRAIN = 1000 }
"""
NODE = """
entity_id = "https://gb.federation.example"
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


def main() -> None:
    """Write a configuration, make the database, serve until terminated."""
    role, port = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        head = f'port = {port}\ndata_dir = "{folder}"\nlog_level = "error"\n'
        config.write_text(head + (HUB if role == "hub" else NODE), encoding="utf-8")
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
