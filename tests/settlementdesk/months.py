"""The commands of a month at the desk."""

import asyncio

from click.testing import CliRunner

from federation.cli.exits import EXIT_REFUSED
from federation.cli.main import cli
from federation.errors import RefusalError
from federation.values.party import HUB


async def month(small, *arguments, who="settlement", code=HUB, **names):
    """Run the command in a thread, as `main` does; return (exit code, output or refusal)."""
    environment = {
        "FEDERATION_URL": small.running[code].url,
        "FEDERATION_TOKEN": small.at(code, who)._token(),
    } | names

    def invoke():
        return CliRunner().invoke(
            cli, ["month", *arguments], env=environment, standalone_mode=False
        )

    result = await asyncio.to_thread(invoke)
    if isinstance(result.exception, RefusalError):
        return EXIT_REFUSED, result.exception.code
    assert result.exception is None
    # What is JSON stands alone on standard output; servers beside the command log to the other.
    is_json = "--json" in arguments and result.exit_code == 0
    return result.exit_code, result.stdout if is_json else result.output
