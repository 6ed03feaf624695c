"""docs/webhooks.md is followed in its order, and its receiver takes what a hub sends."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from federation.clock import system_clock
from federation.values.event import EventType
from federation.values.party import HUB
from federation.webhooks import recording, schedule, service
from tests.federation.harness import open_for_business, small_federation, write_scenario
from tests.federation.webhook_acts import buy
from tests.webhooks.receivers import receiving

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```graphql\n(.*?)```", TEXT, re.DOTALL)
[RECEIVER] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
[PAYLOAD] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
async def small(sqlite, tmp_path):
    scenario = write_scenario(tmp_path / "files")
    async with small_federation(sqlite, scenario, tmp_path) as found:
        await open_for_business(found)
        found.set_clock(system_clock())
        yield found


async def test_every_step_does_what_the_page_says(small, monkeypatch, capsys):
    lab, known = small.lab("lab-one"), {}

    async def asked(number):
        document = QUESTIONS[number]
        for name, value in known.items():
            document = document.replace(name, value)
        return await lab.ask(document)

    def later(**delta):
        small.set_clock(small.clock.instant + timedelta(**delta))

    async with receiving() as receiver:
        known["https://lab-one.example/hooks"] = receiver.url
        given = await asked(0)
        known["WEBHOOK"] = given["webhook"]["id"]
        assert (await asked(1))["type"] == "PING"
        number = await buy(small, HUB, "lab-one")
        came = await receiver.count(2)
        assert (await asked(2))["edges"][0]["node"]["state"] == "ACTIVE"
        log = msgspec.json.decode(
            await lab.post("/graphql", _body(QUESTIONS[2], known), "application/json")
        )["data"]["webhookDeliveries"]["edges"]
        known["DELIVERY"] = log[0]["node"]["id"]
        later(seconds=11)
        assert await asked(3) == {"state": "WAITING"}
        later(seconds=11)
        assert await asked(4) == {"events": 2}
        later(seconds=11)
        rotated = await asked(5)
        assert rotated["secret"] != given["secret"]
        assert await asked(6) == {"state": "ENDED"}
    assert len(QUESTIONS) == 7

    _follow_the_receiver(monkeypatch, given["secret"], came)
    printed = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(" ")[0] for line in printed) == ["invoice.issued", "ping"]
    sold = next(body for _, body in came if b"invoice" in body)
    expected = msgspec.json.decode(PAYLOAD)
    assert msgspec.json.decode(sold) | {"timestamp": None} == expected | {"timestamp": None}
    assert number == expected["data"]["licence"]


def _body(document, known):
    for name, value in known.items():
        document = document.replace(name, value)
    return msgspec.json.encode({"query": document})


def _follow_the_receiver(monkeypatch, secret, came):
    """Hand the page's receiver each event twice, and once with its body changed."""
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names = {"__name__": "receiver"}
    exec(compile(RECEIVER, "docs/webhooks.md", "exec"), names)  # noqa: S102 - the page's own
    client = names["app"].test_client()
    for headers, body in came:
        sent = {name: value for name, value in headers.items() if name.startswith("webhook-")}
        for _ in range(2):
            assert client.post("/hooks", data=body, headers=sent).status_code == 204
        assert client.post("/hooks", data=body + b" ", headers=sent).status_code == 400


def test_the_page_names_every_type_and_every_limit():
    assert {f"`{kind}`" for kind in EventType} <= set(re.findall(r"`[a-z_.]+`", TEXT))
    hours = [int(wait.total_seconds() // 3600) for wait in schedule.WAITS[3:]]
    assert hours == [2, 5, 10, 14, 20, 24]
    assert [int(wait.total_seconds()) for wait in schedule.WAITS[:3]] == [5, 5 * 60, 30 * 60]
    said = "5 seconds later, then after 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours"
    assert said in TEXT
    assert (service.LIVE_MAX, recording.WAITING_MAX) == (10, 10_000)
    assert timedelta(hours=24) == schedule.FORMER_SECRET_FOR
    assert timedelta(days=30) == schedule.KEPT_FOR
