"""A hub sells a licence, suspends, reinstates and revokes it; a stock library reads each step."""

import asyncio
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from federation.scenario.model import (
    HubPart,
    LicencePart,
    LicenseePart,
    Manifest,
    Scenario,
    Table,
    TermsPart,
)
from federation.scenario.servers import Running, as_processes
from federation.scenario.story import Story
from federation.values.month import Month
from federation.values.party import HUB

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
CHANGE = """mutation($number: String!) {{
  {act}(number: $number, reason: "judged") {{
    __typename ... on Refused {{ code message }} }} }}"""
WANTED = [
    ("sold", None, "0"),
    ("suspended", "suspendLicence", "2"),
    ("reinstated", "reinstateLicence", "0"),
    ("revoked", "revokeLicence", "1"),
]


def the_scenario(folder: Path) -> Scenario:
    """Return a hub that sells one licence to one lab."""
    nothing = Table("", [], {})
    manifest = Manifest(
        format=1,
        periods=[Month("2026-09")],
        hub=HubPart("EUR", 300, (0, 5000)),
        terms=TermsPart({"standard": 1000}, {"TRAIN": 1000}),
        licensee=[LicenseePart("lab-1", "A lab")],
        licence=[
            LicencePart(
                id="licence-1",
                licensee="lab-1",
                issuer=HUB,
                currency="EUR",
                starts_on=date(2026, 9, 1),
                ends_on=date(2027, 8, 31),
                usage_basis="lab",
                uses=["TRAIN"],
                fee=100_000,
            )
        ],
    )
    return Scenario(folder, manifest, nothing, nothing, nothing, b"", [], [])


def read(hub: Running) -> str:
    """Return what the stranger reads of the hub's first licence."""
    uri = f"{hub.config.entity_id}/statuslists/0"
    command = ["node", "status.mjs", hub.url, uri, "1", str(int(NOW.timestamp()))]
    found = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or found.stderr[-500:]


async def judge(folder: Path) -> int:
    """Answer 0 if the library reads what the hub did, each time."""
    scenario, wrong = the_scenario(folder), 0
    async with as_processes(scenario, folder, NOW) as federation:
        story = Story(scenario, federation)
        await story.sell()
        for name, act, wanted in WANTED:
            if act is not None:
                staff = federation.hub.person("licensing")
                await staff.ask(CHANGE.format(act=act), number=story.numbers["licence-1"])
            found = await asyncio.to_thread(read, federation.hub)
            print(f"{name}: {found}" + ("" if found == wanted else f" instead of {wanted}"))
            wrong += found != wanted
    return min(wrong, 1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(judge(Path(place))))
