"""`federation keys` and `federation token`: what an operator types and reads."""

import asyncio
import sys

import pytest

from federation.cli import main as command
from federation.clock import system_clock
from federation.configuration.reading import load_hub_config
from federation.edge.keys import ServerKeys, read_ring
from federation.signing.tokens import check_staff_token
from federation.store.database import Database
from federation.trust.key_life import Purpose

TOML = """
entity_id = "https://hub.example"
data_dir = "data"
name = "Hub"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
principal = [{ subject = "olga", roles = ["auditor"] }]
[terms]
tier_weight = { standard = 1000 }
use_weight = { TRAIN = 1000 }
"""


@pytest.fixture
def hub(tmp_path):
    file = tmp_path / "hub.toml"
    file.write_text(TOML, encoding="utf-8")
    return file


@pytest.fixture
def federation(monkeypatch, capsys, hub):
    """Return what runs the command on a hub; it returns (exit code, what was printed)."""

    def run(*words):
        capsys.readouterr()  # what a server logged meanwhile
        monkeypatch.setattr(sys, "argv", ["federation", *words, "--config", str(hub)])
        try:
            command.main()
            code = 0
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return code, (printed.out + printed.err).strip()

    return run


async def started(config):
    """Do what a server does with its keys when it starts."""
    database = Database(config.database_url)
    try:
        await ServerKeys(config, database, system_clock).prepare()
    finally:
        await database.close()


def test_an_operator_changes_the_key_of_tokens(federation, hub):
    assert federation("db", "upgrade")[0] == 0
    config = load_hub_config(hub, {})
    assert federation("keys", "list") == (0, "no key: start the server once")
    code, said = federation("token", "--subject", "olga", "--role", "auditor")
    assert (code, said.split()[1]) == (78, "KEY_SECRET_MISSING:")
    asyncio.run(started(config))
    first = asyncio.run(read_ring(config)).token.kid

    code, said = federation("keys", "next")
    kid = said.split()[0]
    assert (code, said.startswith(f"{kid} is published; it may sign from ")) == (0, True)
    code, said = federation("keys", "activate", kid)
    assert (code, said.split()[1]) == (2, "KEY_TOO_YOUNG:")
    code, said = federation("keys", "activate", kid, "--now", " ")
    assert (code, said.split()[1]) == (2, "REASON:")
    assert asyncio.run(read_ring(config)).token.kid == first
    assert federation("keys", "activate", kid, "--now", "a drill") == (
        0,
        f"{kid} signs from now on.",
    )
    code, said = federation("keys", "retire", first)
    assert (code, said.split()[1]) == (2, "KEY_STILL_CHECKED:")
    assert federation("keys", "retire", first, "--now", "a drill")[0] == 0

    ring = asyncio.run(read_ring(config))
    code, token = federation("token", "--subject", "olga", "--role", "auditor")
    now = system_clock()
    found = check_staff_token(
        token, keys=ring.published(Purpose.TOKEN, now), server=config.entity_id, now=now
    )
    assert (code, found.subject, ring.token.kid, ring.federation.kid) == (0, "olga", kid, first)
    assert federation("keys", "encrypt-again") == (
        0,
        "2 private keys are encrypted with the first secret.",
    )
    _, listed = federation("keys", "list")
    assert [line.split()[:3] for line in listed.splitlines()] == [
        ["FEDERATION", first, "ACTIVE"],
        ["TOKEN", first, "RETIRED"],
        ["TOKEN", kid, "ACTIVE"],
    ]


def test_a_federation_key_is_activated_as_others_are(federation, hub):
    federation("db", "upgrade")
    asyncio.run(started(load_hub_config(hub, {})))
    _, said = federation("keys", "list")
    first = said.split()[1]
    _, said = federation("keys", "next", "--purpose", "FEDERATION")
    kid = said.split()[0]

    early, why = federation("keys", "activate", kid)
    done, _ = federation("keys", "activate", kid, "--now", "a drill")
    _, listed = federation("keys", "list")

    assert (early, why.split(": ")[1]) == (2, "KEY_TOO_YOUNG")
    assert done == 0
    assert [line.split()[:3] for line in listed.splitlines()] == [
        ["FEDERATION", first, "VERIFY_ONLY"],
        ["FEDERATION", kid, "ACTIVE"],
        ["TOKEN", first, "ACTIVE"],
    ]


@pytest.mark.parametrize("act", ["activate", "retire"])
@pytest.mark.parametrize("start", ["-a", "-", "--"])
def test_an_id_that_begins_as_an_option_does_names_a_key(federation, act, start):
    federation("db", "upgrade")

    code, said = federation("keys", act, start.ljust(43, "n"))

    assert (code, said.split(": ")[1]) == (2, "UNKNOWN_KEY")
