"""A command about clients, run against a server of the test."""

import asyncio

from click.testing import CliRunner

from federation.cli.main import cli
from federation.errors import RefusalError


async def run(place, subject, *arguments):
    """Run the command in a thread as a person; return its output, or the code it is refused by."""
    names = {
        "FEDERATION_URL": place.url,
        "FEDERATION_TOKEN": place.staff(subject),
        "COLUMNS": "200",
    }

    def invoke():
        return CliRunner().invoke(cli, ["clients", *arguments], env=names, standalone_mode=False)

    result = await asyncio.to_thread(invoke)
    if isinstance(result.exception, RefusalError):
        return result.exception.code
    assert result.exit_code == 0, result.output
    return result.stdout
