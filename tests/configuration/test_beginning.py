"""A first configuration works as it is written, and `config show` says who said what of it."""

import tomllib

import pytest
from click.testing import CliRunner

from federation.cli.main import cli
from federation.config import ConfigError, HubConfig, NodeConfig
from federation.configuration.beginning import begin, text
from federation.configuration.fields import fields_of, table_of
from federation.configuration.reading import load_config
from federation.configuration.showing import show
from tests.desk.commands import run

SAID = {
    "hub": {"entity_id": "https://hub.example", "name": "Hub", "clearing_currency": "EUR"},
    "node": {
        "entity_id": "https://gb.example",
        "code": "GB",
        "name": 'The "Society"',
        "country": "GB",
        "settlement_currency": "GBP",
        "hub.entity_id": "https://hub.example",
        "hub.url": "http://127.0.0.1:8800",
        "hub.key_thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    },
}


def flags(role):
    named = [("--" + name.replace(".", "-").replace("_", "-"), v) for name, v in SAID[role].items()]
    return [part for pair in named for part in pair]


@pytest.mark.parametrize(("role", "kind"), [("hub", HubConfig), ("node", NodeConfig)])
async def test_what_flags_say_is_a_configuration_that_works(tmp_path, role, kind):
    file = tmp_path / f"{role}.toml"
    url = "postgresql://db/x"
    code, _ = await run(
        *("config", "init", role, "--out", f"{file}", "--port", "8800", "--database-url", url),
        *flags(role),
    )
    config = load_config(file, {})

    assert (code, type(config), config.name) == (0, kind, SAID[role]["name"])
    assert (config.port, config.database_url) == (8800, url)
    written = file.read_text(encoding="utf-8")
    names = [f.steps[-1] for f in fields_of(kind) if table_of(f.of) is None]
    assert [n for n in names if f"\n{n} = " not in written and f"\n# {n} = " not in written] == []
    set_here = tomllib.loads(written)
    assert set_here.keys() - {name.partition(".")[0] for name in SAID[role]} == {
        *("port", "database_url", "data_dir"),
        *(
            {"fee_bps", "fee_band_bps", "terms"}
            if role == "hub"
            else {"admin_fee_bps", "collecting_fee_bps", "minimum_payment", "plan"}
        ),
    }


def test_nobody_is_asked_without_a_terminal_and_no_file_is_replaced(tmp_path):
    file = tmp_path / "hub.toml"
    ended = CliRunner().invoke(cli, ["config", "init", "hub", "--out", f"{file}", "--name", "Hub"])
    assert (ended.exit_code, file.exists()) == (2, False)
    assert "asked for: --entity-id, --clearing-currency" in " ".join(ended.output.split())

    begin("hub", SAID["hub"], file)
    before = file.read_bytes()
    with pytest.raises(ConfigError) as refusal:
        begin("hub", SAID["hub"], file)
    assert (refusal.value.detail, file.read_bytes()) == (f"{file}: File exists", before)

    other = tmp_path / "other.toml"
    with pytest.raises(ConfigError):
        begin("hub", {**SAID["hub"], "clearing_currency": "EUX"}, other)
    assert not other.exists()


def test_what_is_shown_names_its_origin_and_no_secret(tmp_path):
    file = tmp_path / "hub.toml"
    file.write_text(text("hub", SAID["hub"]), encoding="utf-8")
    secret = tmp_path / "url"
    secret.write_text("postgresql://hub:pw-17@db/hub\n", encoding="utf-8")
    environ = {
        "FEDERATION_PORT": "99",
        "FEDERATION_DATABASE_URL_FILE": f"{secret}",
        "FEDERATION_KEY_SECRET": "A" * 43 + "=",
        "FEDERATION_CALENDAR": '{"cut_off_day": 7}',
    }
    lines = show(file, environ, with_origin=True).splitlines()

    assert {
        f'name = "Hub"  # {file}',
        f"terms.use_weight = {{ GROUND = 1500, SEARCH = 250, TRAIN = 1000 }}  # {file}",
        'host = "127.0.0.1"  # default',
        "port = 99  # FEDERATION_PORT",
        "calendar.cut_off_day = 7  # FEDERATION_CALENDAR",
        'database_url = "postgresql://hub:[redacted]@db/hub"  # FEDERATION_DATABASE_URL_FILE',
        'key_secret = "[redacted]"  # FEDERATION_KEY_SECRET',
    } - {*lines} == set()
    assert "#" not in show(file, environ, with_origin=False)
