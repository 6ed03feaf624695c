"""`federation hub serve` and `federation node serve`: one process, or a parent and its workers."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import rich_click as click

from federation.cli.exits import EXIT_UNAVAILABLE
from federation.cli.options import FILE, config_option, run_loop
from federation.clock import Clock, FileClock, system_clock
from federation.config import ConfigError, HubConfig, NodeConfig
from federation.values.party import HUB

if TYPE_CHECKING:
    from federation.process import Service, WorkerOf
    from federation.workers.wire import ToParent

Command = TypeVar("Command", bound=Callable[..., None])
Make = Callable[["WorkerOf | None"], "Service"]

# As `counters` names it, whose import would be too early for the parent.
COUNTED_TOGETHER: Final = "PROMETHEUS_MULTIPROC_DIR"

_serve_options = [
    config_option,
    click.option("--ready-file", type=click.Path(path_type=Path), help="Gets the URL once ready."),
    click.option("--clock-file", type=FILE, hidden=True, help="Business time, for scenarios."),
    click.option("--worker", hidden=True, type=(int, int, bool), help="What a parent gives it."),
]


def _server_options(function: Command) -> Command:
    """Give a serve command its options; they are the same for both roles."""
    for option in reversed(_serve_options):
        function = option(function)
    return function


Given = tuple[int, int, bool]
"""File descriptors of the shared socket and of the pair to the parent, and whether it is first."""


@click.group()
def hub() -> None:
    """Run the hub."""


@hub.command("serve")
@_server_options
def hub_serve(
    config: Path, ready_file: Path | None, clock_file: Path | None, worker: Given | None
) -> None:
    """Serve the hub until SIGINT or SIGTERM; with several workers, SIGHUP replaces them."""
    from federation.configuration.reading import load_hub_config  # noqa: PLC0415

    found = load_hub_config(config)

    def make(of: "WorkerOf | None") -> "Service":
        from federation.hub.app import create_hub  # noqa: PLC0415 - a node need not load the hub

        return create_hub(found, _clock(clock_file), worker=of)

    _serve(found, make, ready_file, worker)


@click.group()
def node() -> None:
    """Run a national collective's node."""


@node.command("serve")
@_server_options
def node_serve(
    config: Path, ready_file: Path | None, clock_file: Path | None, worker: Given | None
) -> None:
    """Serve a node until SIGINT or SIGTERM; with several workers, SIGHUP replaces them."""
    from federation.configuration.reading import load_node_config  # noqa: PLC0415

    found = load_node_config(config)

    def make(of: "WorkerOf | None") -> "Service":
        from federation.nodes.app import create_node  # noqa: PLC0415 - the hub need not load it

        return create_node(found, _clock(clock_file), worker=of)

    _serve(found, make, ready_file, worker)


def _clock(clock_file: Path | None) -> Clock:
    return system_clock if clock_file is None else FileClock(clock_file)


def _serve(
    config: HubConfig | NodeConfig, make: Make, ready_file: Path | None, worker: Given | None
) -> None:
    from federation import logs  # noqa: PLC0415

    logs.configure(config.log_level)
    if worker is not None:
        _work(make, *worker)
    elif config.workers > 1:
        _keep_workers(config, ready_file)
    else:
        service = make(None)
        url = service.url
        run_loop(_serve_until_signal(service, lambda: _say_ready(config, url, ready_file)))


def _say_ready(config: HubConfig | NodeConfig, url: str, ready_file: Path | None) -> None:
    if ready_file is None:
        code = HUB if isinstance(config, HubConfig) else config.code
        click.echo(f"{code} listens on {url}", err=True)
        return
    fresh = ready_file.with_suffix(".new")
    fresh.write_text(url, encoding="utf-8")
    fresh.replace(ready_file)


async def _serve_until_signal(service: "Service", say_ready: Callable[[], None]) -> None:
    stop = _stopped_by_signals()
    if not _has_terminal():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _nothing_to_replace)
    try:
        await service.start()
        say_ready()
        await stop.wait()
    finally:
        await service.stop()


def _has_terminal() -> bool:
    """Tell whether SIGHUP says that the terminal is gone."""
    return bool(sys.stdin and sys.stdin.isatty())


def _nothing_to_replace() -> None:
    """Go on where a reload is asked for: to one process it would otherwise be the end."""
    from federation.logs import get_logger  # noqa: PLC0415

    get_logger("workers").warning("SIGHUP replaces workers, and `workers` is 1: nothing was done")


def _stopped_by_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _work(make: Make, listening: int, pair: int, is_first: bool) -> None:
    """Be one of several workers, with what their parent gave this process."""
    from federation.process import WorkerOf  # noqa: PLC0415
    from federation.workers.wire import ToParent  # noqa: PLC0415

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # sent to all processes, it is for the parent
    parent = ToParent(pair)
    service = make(WorkerOf(socket.socket(fileno=listening), is_first))
    run_loop(_work_until_told(service, parent))


async def _work_until_told(service: "Service", parent: "ToParent") -> None:
    """Serve until the parent has another take over, a signal says so, or the parent is gone."""
    stop = _stopped_by_signals()
    tasks: list[asyncio.Future[Any]] = []
    try:
        await service.start()
        await parent.say_ready()
        stopped = asyncio.ensure_future(stop.wait())
        told = asyncio.ensure_future(parent.is_to_retire())
        tasks = [stopped, told]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if told.done() and told.result():
            retiring = asyncio.ensure_future(service.retire())
            tasks.append(retiring)
            await asyncio.wait([stopped, retiring], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await service.stop()
        parent.close()


def _keep_workers(config: HubConfig | NodeConfig, ready_file: Path | None) -> None:
    """Be the parent: hold the folder and the address, keep the workers, end with their code."""
    from federation.edge.data_folder import DataFolder  # noqa: PLC0415
    from federation.workers.listening import bind, url_of  # noqa: PLC0415
    from federation.workers.parent import Parent  # noqa: PLC0415

    if sys.platform == "win32":
        raise ConfigError("`workers`: on Windows one process serves")
    folder = DataFolder(config.data_dir, config.entity_id, is_shared=True)
    with contextlib.ExitStack() as held:
        held.callback(folder.close)
        bound = held.enter_context(bind(config.host, config.port))
        counted = held.enter_context(tempfile.TemporaryDirectory(prefix="federation-workers-"))
        url = url_of(config.public_url, config.host, bound)

        async def begin(pair: int, is_first: bool) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *_command([bound.fileno(), pair, is_first]),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(bound.fileno(), pair),
                env={**os.environ, COUNTED_TOGETHER: counted},
            )

        parent = Parent(
            begin,
            config.workers,
            lambda: _say_ready(config, url, ready_file),
            terminal=_has_terminal(),
        )
        code = asyncio.run(parent.run())
    if code:
        sys.exit(code if code > 0 else EXIT_UNAVAILABLE)


def _command(given: Sequence[object]) -> list[str]:
    """Return the command that this process was begun with, for a worker of it."""
    return [sys.executable, "-m", "federation.cli", *sys.argv[1:], "--worker", *map(str, given)]
