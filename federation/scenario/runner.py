"""`federation scenario run DIR --out OUT`."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from federation.errors import RefusalError
from federation.scenario import outputs
from federation.scenario.model import Scenario
from federation.scenario.reading import read_scenario
from federation.scenario.servers import Federation, as_processes, in_process
from federation.scenario.story import Story, day_before_everything, first_instant_after

Say = Callable[[str], None]


class InvariantError(RefusalError):
    """A settled month breaks an invariant; nothing was written."""

    code: ClassVar[str] = "INVARIANT"


async def run_scenario(folder: Path, out: Path, *, processes: bool, say: Say) -> list[str]:
    """Run a scenario and write OUT; return the names of the files written."""
    outputs.empty(out)
    scenario = read_scenario(folder)
    with tempfile.TemporaryDirectory(prefix="federation-") as temporary:
        launch = as_processes if processes else in_process
        start = day_before_everything(scenario)
        async with launch(scenario, Path(temporary), start) as federation:
            files = await _live(scenario, federation, say)
    outputs.write(out, files)
    return sorted(files)


async def _live(scenario: Scenario, federation: Federation, say: Say) -> dict[str, bytes]:
    story, files = Story(scenario, federation), dict[str, bytes]()
    periods: dict[str, Any] = {}
    await story.join()
    say(f"joined: {len(federation.nodes)} collectives")
    await story.register()
    say(f"registered: {sum(len(rows) for rows in scenario.works.rows.values())} claims")
    await story.sell()
    say(f"sold: {', '.join(story.numbers.values())}")
    for period in scenario.manifest.periods:
        federation.set_clock(first_instant_after(period))
        if not periods:
            await story.publish_rates()
        run_id = await story.settle(period)
        await story.pay(period)
        found, part = await outputs.collect(story, period)
        if part["violations"]:
            raise InvariantError("; ".join(part["violations"][:5]))
        files.update(found)
        periods[period] = part["report"]
        say(f"settled: {period}, run {run_id[:16]}")
    files["journal.beancount"] = await outputs.journal(story)
    files["report.json"] = outputs.report_bytes(periods)
    return files
