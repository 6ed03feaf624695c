"""The examples of docs/registry.md are taken as they stand there."""

import re
from pathlib import Path

from federation.consent.states import OF_RECORDS
from federation.mandates.records import Basis, Capacity
from federation.values.right import Right
from tests.registryimports.node import Node, lines
from tests.registryimports.registry import Registry

PAGE = Path("docs/registry.md").read_text(encoding="utf-8")
TEXT, CONSENTS = (
    PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for title in ("Catalogues of works and rightholders", "Files of mandates and consent")
)
WORKS = [
    {"work_id": name, "title": "x", "starts_at": "2026-01-01T00:00:00Z"}
    for name in ("W-1", "W-2", "W-3")
]


async def test_the_catalogues_of_the_page_are_taken_as_they_are(database):
    node = Node(database)
    works, rightholders = re.findall(r"```csv\n(.*?)```", TEXT, re.DOTALL)
    [ndjson] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)

    await node.take(rightholders.encode(), id="people", kind="rightholders")
    await node.take(works.encode(), id="csv")
    await node.take(ndjson.encode(), id="ndjson", format="ndjson")

    assert [row[1:3] for row in await node.verdicts("people")] == [("R-1", "ACCEPTED")]
    assert [row[1:3] for row in await node.verdicts("csv")] == [
        ("W-1", "ACCEPTED"),
        ("W-2", "ACCEPTED"),
    ]
    assert [row[1:3] for row in await node.verdicts("ndjson")] == [("W-3", "ACCEPTED")]


async def test_the_page_names_every_column(database):
    node = Node(database)
    named = set(re.findall(r"`(\w+)`", TEXT))

    header = (await node.written("works.csv")).decode().strip().split(",")
    assert set(header) - named == set()


async def test_the_mandates_of_the_page_are_taken_confirmed_and_entered(database):
    node = await Registry(database).begin(
        "member_id,name,country,joined_on\nM-17,Daily,GB,2026-01-01\n"
    )
    await node.take(lines(*WORKS), id="page", format="ndjson")
    tom = {"rightholder_id": "R-7", "name": "Tom Weir", "kind": "ESTATE"}
    await node.take(lines(tom), id="tom", kind="rightholders", format="ndjson")
    [table] = re.findall(r"```csv\n(.*?)```", CONSENTS, re.DOTALL)
    [ndjson] = re.findall(r"```json\n(.*?)```", CONSENTS, re.DOTALL)

    await node.take(table.encode(), id="csv", kind="consents")
    await node.take(ndjson.encode(), id="ndjson", kind="consents", format="ndjson")

    subjects = ("member:M-17", "rightholder:R-7", "work:W-1", "work:W-3")
    waiting = [(subject, "WAITS") for subject in subjects]
    at_once = [("work:W-2", "ACCEPTED"), ("pub.example/poems/", "ACCEPTED")]
    told = [row[1:3] for row in await node.verdicts("csv") + await node.verdicts("ndjson")]
    assert sorted(told) == sorted([*waiting, *at_once])
    for name in ("csv", "ndjson"):
        await node.confirm(name)
    assert await node.enter()
    assert sorted(await node.recorded()) == [
        ("member:M-17", "MANDATED"),
        ("pub.example/poems/", "RESERVED_EX_ANTE"),
        ("rightholder:R-7", "EXTENDED"),
        ("work:W-1", "OPTED_IN"),
        ("work:W-2", "WITHHELD"),
        ("work:W-3", "MANDATED"),
    ]


async def test_the_page_names_every_column_and_word_of_consent_records(database):
    named = set(re.findall(r"`([\w*]+)`", CONSENTS))

    header = (await Node(database).written("consents.csv")).decode().strip().split(",")
    words = {word.value for kind in (Right, Basis, Capacity) for word in kind}
    assert {*header, *words, *OF_RECORDS} - named == set()
