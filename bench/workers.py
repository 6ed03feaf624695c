"""Requests per second of a hub on PostgreSQL with one worker and with two, side by side.

Both serve at once, each on a database of its own, and are asked in turn, so that other work on the
machine slows both alike. Between each and its database stands a proxy that holds every word to the
database back for `--delay` milliseconds. Clients, proxy, database and workers share the machine's
cores: with no delay two workers are worth what is left of them, with one they wait side by side.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from sqlalchemy import make_url

sys.path.insert(0, str(Path(__file__).parent.parent))

from federation.scenario.client import until
from federation.store.database_url import locate
from tests.databases import PostgresServer

HUB = """
entity_id = "https://hub.example"
name = "Hub"
data_dir = "data"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
principal = [{ subject = "olga", roles = ["auditor"] }]
[terms]
tier_weight = { premium = 3000, standard = 1000 }
use_weight = { TRAIN = 1000 }
"""
ASK = {"query": "{ collectives { code } }"}
CLIENTS, ROUNDS, SECONDS = 32, 3, 2.0
WANTED, TIMES_MIN = 1.7, 0.9  # with the delay: where there are cores to spare, and anywhere


async def ask(url: str) -> None:
    """Ask a hub for some seconds, as a process of its own, and print how often it answered."""
    count, end = 0, time.monotonic() + SECONDS

    async def one(http: aiohttp.ClientSession) -> None:
        nonlocal count
        while time.monotonic() < end:
            async with http.post(f"{url}/graphql", json=ASK) as answer:
                answered = await answer.json()
                if "errors" in answered:
                    raise SystemExit(f"refused: {answered}")
                count += 1

    # As many connections as clients, each to whichever worker takes it.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as http:
        await asyncio.gather(*(one(http) for _ in range(CLIENTS)))
    print(count)


async def hold_back(socket_file: str, milliseconds: float) -> None:
    """Pass PostgreSQL's words on, those to it later: a process of its own; print the port."""

    async def later(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65_536):
            loop.call_later(seconds, writer.write, data)
        loop.call_later(seconds, writer.close)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(socket_file)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(
                later(reader, ours, milliseconds / 1000), later(theirs, writer, 0.0)
            )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def process(*arguments: str, **named: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, **named)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def proxied(url: str, milliseconds: float) -> AsyncIterator[str]:
    """Lend the address of a database behind the proxy."""
    at = make_url(locate(url).arguments["dsn"])
    socket_file = f"{at.query['host']}/.s.PGSQL.{at.port or 5432}"
    proxy = await process(
        __file__, "--proxy", socket_file, f"--delay={milliseconds}", stdout=asyncio.subprocess.PIPE
    )
    assert proxy.stdout is not None
    port = int(await proxy.stdout.readline())
    there = at.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
    try:
        yield there.render_as_string(hide_password=False)
    finally:
        proxy.terminate()
        await proxy.wait()


@contextlib.asynccontextmanager
async def served(folder: Path, url: str, workers: int) -> AsyncIterator[str]:
    """Run a hub; lend its address."""
    folder.mkdir()  # noqa: ASYNC240 - nobody waits
    (folder / "hub.toml").write_text(HUB, encoding="utf-8")
    ready = folder / "ready"
    environ = {"FEDERATION_DATABASE_URL": url, "FEDERATION_WORKERS": str(workers)}
    command = ["hub", "serve", "--config", f"{folder}/hub.toml", "--ready-file", str(ready)]
    with (folder / "log").open("wb") as log:
        hub = await process(
            "-m", "federation.cli", *command, env={**os.environ, **environ}, stderr=log
        )

    async def is_ready() -> str:
        if hub.returncode is not None:
            raise SystemExit((folder / "log").read_text(encoding="utf-8"))
        return ready.read_text(encoding="utf-8") if ready.exists() else ""

    try:
        yield await until(is_ready, what="a hub", seconds=300.0)
    finally:
        hub.terminate()
        await hub.wait()


async def rate(url: str) -> float:
    asking = await process(__file__, "--ask", url, stdout=asyncio.subprocess.PIPE)
    said, _ = await asking.communicate()
    if asking.returncode:
        raise SystemExit(asking.returncode)
    return int(said) / SECONDS


async def measure(milliseconds: float) -> float:
    """Measure one and two workers in turn; return how many times as much two answer."""
    postgres = PostgresServer()
    await postgres.start()
    rates: dict[int, list[float]] = {1: [], 2: []}
    try:
        async with contextlib.AsyncExitStack() as up:
            folder = Path(up.enter_context(tempfile.TemporaryDirectory()))
            hubs = {}
            for workers in rates:
                database = await up.enter_async_context(postgres.url(migrated=True))
                url = await up.enter_async_context(proxied(database, milliseconds))
                hub = served(folder / str(workers), url, workers)
                hubs[workers] = await up.enter_async_context(hub)
            for number in range(ROUNDS + 1):
                for workers, url in hubs.items():
                    found = await rate(url)
                    if number:  # the first warms up
                        rates[workers].append(found)
    finally:
        await postgres.stop()
    one, two = (statistics.median(found) for found in rates.values())
    print(
        f"{milliseconds:g} ms: one worker {one:,.0f}/s, two {two:,.0f}/s:"
        f" {two / one:.2f} times, wanted {WANTED}"
    )
    return two / one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=5.0)
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    parser.add_argument("--proxy", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        asyncio.run(ask(given.ask))
    elif given.proxy:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(hold_back(given.proxy, given.delay))
    else:
        times = asyncio.run(measure(given.delay))
        if given.delay and times < TIMES_MIN:
            sys.exit(1)


if __name__ == "__main__":
    main()
