"""What a short read costs over GraphQL: one indexed row, and a token, beside `{ __typename }`.

The hub is a process of its own, asked over one connection that stays open by a client that does
next to nothing. The questions take turns, so that whatever else the machine does slows all.
"""

import asyncio
import http.client
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from federation.scenario.model import (
    HubPart,
    LicencePart,
    LicenseePart,
    Manifest,
    Scenario,
    Table,
    TermsPart,
)
from federation.scenario.servers import as_processes
from federation.scenario.story import Story
from federation.values.month import Month
from federation.values.party import HUB

ROUNDS, TURNS, ASKED = 3, 20, 50  # questions per turn
READ_MIN, TOKEN_MIN = 0.60, 0.80
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
LAB = "lab-1"


def the_scenario(folder: Path) -> Scenario:
    """Return a hub with one lab, which buys one licence."""
    nothing = Table("", [], {})
    licence = LicencePart(
        id="licence-1",
        licensee=LAB,
        issuer=HUB,
        currency="EUR",
        starts_on=date(2026, 9, 1),
        ends_on=date(2027, 8, 31),
        usage_basis="lab",
        uses=["TRAIN"],
        fee=100_000,
    )
    manifest = Manifest(
        format=1,
        periods=[Month("2026-09")],
        hub=HubPart("EUR", 300, (0, 5000)),
        terms=TermsPart({"standard": 1000}, {"TRAIN": 1000}),
        licensee=[LicenseePart(LAB, "A lab")],
        licence=[licence],
    )
    return Scenario(folder, manifest, nothing, nothing, nothing, b"", [], [])


class Question:
    """A GraphQL document with its headers, and what the server answers."""

    def __init__(self, name: str, document: str, token: str | None, wanted: bytes) -> None:
        self.name, self._wanted = name, wanted
        self._body = msgspec.json.encode({"query": document})
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, connection: http.client.HTTPConnection) -> float:
        """Ask it some times in a row; return the seconds it took."""
        started = time.perf_counter()
        for _ in range(ASKED):
            connection.request("POST", "/graphql", self._body, self._headers)
            answer = connection.getresponse().read()
            assert answer == self._wanted, answer
        return time.perf_counter() - started


def measure(port: int, questions: list[Question]) -> list[list[float]]:
    """Return the rate of each question, requests a second, per round."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    rounds = []
    for _ in range(ROUNDS):
        seconds = [0.0] * len(questions)
        for _ in range(TURNS):
            for number, question in enumerate(questions):
                seconds[number] += question.ask(connection)
        rounds.append([TURNS * ASKED / taken for taken in seconds])
    connection.close()
    return rounds


async def run(folder: Path) -> list[list[float]]:
    """Sell a licence at a hub, then ask it."""
    scenario = the_scenario(folder)
    async with as_processes(scenario, folder, NOW) as federation:
        story = Story(scenario, federation)
        await story.sell()
        number = story.numbers["licence-1"]
        token = federation.hub.lab(LAB)._token()  # noqa: SLF001 - as it would be sent
        typename = b'{"data":{"__typename":"Query"}}'
        licence = f'{{"data":{{"licence":{{"number":"{number}"}}}}}}'.encode()
        questions = [
            Question("typename", "{ __typename }", None, typename),
            Question("with token", "{ __typename }", token, typename),
            Question("one row", f'{{ licence(number: "{number}") {{ number }} }}', token, licence),
        ]
        return await asyncio.to_thread(measure, urlsplit(federation.hub.url).port or 0, questions)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rounds = asyncio.run(run(Path(folder)))
    best = [max(rates) for rates in zip(*rounds, strict=True)]
    print("requests a second over one connection")
    print(f"{'':10}{'__typename':>12}{'with token':>12}{'one row':>12}")
    for name, rates in [
        *((f"round {n}", r) for n, r in enumerate(rounds, start=1)),
        ("best", best),
    ]:
        print(f"{name:10}" + "".join(f"{rate:>12,.0f}" for rate in rates))
    plain, known, row = best
    print(f"token: {known / plain:.0%} of without (wanted: at least {TOKEN_MIN:.0%})")
    print(f"one row: {row / known:.0%} of __typename (wanted: at least {READ_MIN:.0%})")
    sys.exit(0 if known / plain >= TOKEN_MIN and row / known >= READ_MIN else 1)


if __name__ == "__main__":
    main()
