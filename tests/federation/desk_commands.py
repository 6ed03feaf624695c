"""Commands of `federation registry` run in a thread, beside the servers that they ask."""

import asyncio

from click.testing import CliRunner

from federation.cli.main import cli
from federation.errors import RefusalError


async def run(*arguments, group=("registry",), **environment):
    """Run a command in a thread; return (exit code or the code of a refusal, output)."""

    def invoke():
        words = [*group, *map(str, arguments)]
        return CliRunner().invoke(cli, words, env=environment, standalone_mode=False)

    result = await asyncio.to_thread(invoke)
    if isinstance(result.exception, RefusalError):
        return result.exception.code, result.output
    return result.exit_code, result.stdout
