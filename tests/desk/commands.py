"""A command of the desk, run against a server of the test."""

import asyncio

from click.testing import CliRunner

from federation.cli.exits import EXIT_REFUSED
from federation.cli.main import cli
from federation.errors import RefusalError


async def run(*arguments, typed=None, **environment):
    """Run a command in a thread, as `main` does; return (exit code, output or refusal).

    What is `typed` at the terminal is not in the output, nor what asked for it.
    """

    def invoke():
        options = {"env": environment, "input": typed, "standalone_mode": False}
        return CliRunner().invoke(cli, arguments, **options)

    result = await asyncio.to_thread(invoke)
    if isinstance(result.exception, RefusalError):
        return EXIT_REFUSED, result.exception.code
    assert result.exception is None
    return result.exit_code, result.output if typed is None and result.exit_code else result.stdout
