"""Who asks what a month came to waits for it alone: others are answered while it is computed."""

import pytest

from federation.values.party import HUB
from tests.federation.gate import answered_during
from tests.federation.harness import PERIOD, fetch, tell
from tests.federation.objecting import DIFF

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNS = "{ runs { edges { node { runId } } } }"
WHY = f"""{{ whyAmount(period: "{PERIOD}", licence: "HUB-000001", party: "DE") {{
  label }} }}"""


async def report(small, code):
    return await fetch(small, code, f"/files/report/{PERIOD}.json", small.at(code, "auditor"))


async def difference(small, code):
    auditor = small.at(code, "auditor")
    [run] = await auditor.rows(RUNS)
    return await tell(small, code, auditor, DIFF, new=run["runId"])


async def held(small, code):
    return await tell(small, code, small.at(code, "auditor"), "{ suspense { edges { cursor } } }")


async def why(small, code):
    return await tell(small, code, small.at(code, "auditor"), WHY)


@pytest.mark.parametrize(
    ("code", "ask", "work"),
    [
        (HUB, report, "federation.proof.report.compute"),
        ("DE", report, "federation.proof.report.compute"),
        (HUB, difference, "federation.settlement.run_diff.compare"),
        (HUB, held, "federation.suspense.service.compute"),
        (HUB, why, "federation.proof.reasons.compute"),
    ],
    ids=[
        "report of the hub",
        "report of a node",
        "difference of runs",
        "held money",
        "why a share",
    ],
)
async def test_others_are_answered_while_somebody_reads_a_month(
    settled, monkeypatch, code, ask, work
):
    async with answered_during(settled, code, monkeypatch, work):
        answer = await ask(settled, code)

    assert (answer.status, answer.code) == (200, None)
