"""`federation hub serve` with two workers, as an operator runs it: no request is lost in a roll."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import msgspec

from federation.scenario.client import until

HUB = """
entity_id = "https://hub.example"
name = "Hub"
data_dir = "data"
workers = 2
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
principal = [{ subject = "olga", roles = ["auditor"] }]
[terms]
tier_weight = { premium = 3000, standard = 1000 }
use_weight = { TRAIN = 1000 }
"""
ASKED = re.compile(
    r'^federation_http_requests_total\{.*route="/graphql",status="200"\} (\d+)', re.MULTILINE
)
ASK = {"query": "{ __typename }"}
LEADS = "this worker leads: it does the scheduled work"
PAUSE = 0.02  # between two requests of one client


class Server:
    """A parent with its workers, by what they write to their log."""

    def __init__(self, folder):
        self.log, self.ready = folder / "log", folder / "ready"
        self.process = None

    @property
    def url(self):
        return self.ready.read_text(encoding="utf-8")

    def said(self, event):
        """Return the lines of an event."""
        lines = map(msgspec.json.decode, self.log.read_bytes().splitlines())
        return [line for line in lines if line["event"] == event]

    async def says(self, event, times=1):
        async def look():
            assert self.process.returncode is None, self.log.read_text(encoding="utf-8")
            return len(self.said(event)) >= times

        await until(look, what=event, seconds=300.0)

    @property
    def workers(self):
        """Return the processes of the workers."""
        pid = self.process.pid
        return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@contextlib.asynccontextmanager
async def served(folder, url):
    (folder / "hub.toml").write_text(HUB, encoding="utf-8")
    server = Server(folder)
    arguments = ["hub", "serve", "--config", f"{folder}/hub.toml"]
    with server.log.open("wb") as log:
        server.process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "federation.cli", *arguments],
            *["--ready-file", str(server.ready)],
            env={**os.environ, "FEDERATION_DATABASE_URL": url},
            stdin=asyncio.subprocess.DEVNULL,  # at a terminal SIGHUP is the end
            stderr=log,
        )
    try:
        yield server
    finally:
        if server.process.returncode is None:
            server.process.terminate()
        await server.process.wait()


async def asking(server, http, outcomes, is_over):
    """Ask again and again, on a connection that is kept or a new one each time."""
    while not is_over.is_set():
        try:
            # Not GET, which the client would send again by itself.
            async with http.post(f"{server.url}/graphql", json=ASK) as answer:
                assert await answer.json() == {"data": {"__typename": "Query"}}
                outcomes[answer.status] += 1
        except aiohttp.ClientError as error:
            outcomes[type(error).__name__] += 1
        await asyncio.sleep(PAUSE)


async def test_workers_answer_are_replaced_without_a_loss_and_take_over(postgres, tmp_path):
    outcomes, is_over = Counter(), asyncio.Event()
    async with (
        postgres.url(migrated=True) as url,
        served(tmp_path, url) as server,
        aiohttp.ClientSession() as kept,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as fresh,
    ):
        await server.says("a worker is ready", 2)
        await server.says(LEADS)
        first = server.workers
        await until(lambda: exists(server.ready), what="the address")
        clients = [
            asyncio.create_task(asking(server, http, outcomes, is_over))
            for http in (kept, kept, fresh, fresh)
        ]

        for worker in first:
            os.kill(worker, signal.SIGHUP)  # as `systemctl kill` sends it to all; it is not theirs
        server.process.send_signal(signal.SIGHUP)
        await server.says("the workers were replaced")
        is_over.set()
        await asyncio.gather(*clients)

        assert set(outcomes) == {200}, outcomes
        assert len(server.workers) == 2
        assert not first & server.workers
        assert len(server.said("the server has its key")) == 1
        async with kept.get(f"{server.url}/metrics") as answer:
            metrics = await answer.text()
        assert int(ASKED.search(metrics)[1]) == outcomes[200]  # whichever worker answered
        told = re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE)
        assert sorted(set(told)) == sorted(told)  # and what holds of the server it tells once
        assert 'pid="' not in metrics
        assert server.said("a worker ended") == []

        leaders = server.said(LEADS)
        os.kill(leaders[-1]["pid"], signal.SIGKILL)
        await server.says(LEADS, len(leaders) + 1)
        assert server.said(LEADS)[-1]["pid"] != leaders[-1]["pid"]

        server.process.kill()  # and workers do not outlive their parent
        await until(lambda: is_silent(server.url), what="the workers' end")


async def exists(path):
    return path.exists()


async def is_silent(url):
    """Tell whether nobody listens at an address any more."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0
