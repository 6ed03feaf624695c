"""Commands that ask a server say what they need when nobody told them which, or as whom."""

import pytest
from click.testing import CliRunner

from federation.cli.main import cli
from federation.desk.client import NotToldError

COMMANDS = {
    "month": ("month", "work"),
    "documents": ("month", "documents", "get", "X"),
    "reconcile": ("reconcile", "queue"),
}
TOLD = {"FEDERATION_URL": "http://127.0.0.1:9", "FEDERATION_TOKEN": "x"}
NEITHER = dict.fromkeys(TOLD)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "told",
    [NEITHER, *(TOLD | {name: gone} for name in TOLD for gone in (None, ""))],
    ids=["neither", "no URL", "an empty URL", "no token", "an empty token"],
)
def test_who_is_not_told_of_a_server_is_told_both_ways_to_say_it(command, told):
    result = CliRunner().invoke(cli, COMMANDS[command], env=told, standalone_mode=False)

    assert isinstance(result.exception, NotToldError)
    assert result.exception.code == "NOT_TOLD"
    assert result.exception.detail == (
        "set FEDERATION_URL and FEDERATION_TOKEN, or give --url and --token; "
        "in a practice folder: ./as alice federation ..."
    )
