"""Rules of acts under a key: the same again has the same answer, and no second effect."""

from typing import Any, Final

import msgspec

from federation.conformance.trial import USE, Trial
from federation.conformance.verdicts import Rules
from federation.conformance.wire import OK, Exchange

RULES: Final = Rules()
SOURCE: Final = "federation/metering/README.md"


async def _report(trial: Trial, key: str, units: int) -> Exchange:
    """Report a use of the member's address, as its site, in a batch under a key."""
    line: dict[str, Any] = {
        "event_id": f"{trial.word}-{key}",
        "licence": "HUB-000001",
        "url": f"https://{trial.host}/page",
        "use": USE,
        "units": units,
        "occurred_at": trial.began.isoformat(),
    }
    headers = {
        **trial.bearer("site"),
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": f"{trial.word}-{key}",
    }
    return await trial.wire.send("POST", "/usage", msgspec.json.encode(line), headers)


@RULES.rule("idempotency.same", SOURCE)
async def same(trial: Trial) -> None:
    """A batch of usage that comes again under its key is answered as it was the first time."""
    await trial.claimed()
    first = await _report(trial, "same", 10)
    first.expect(OK)
    again = await _report(trial, "same", 10)
    again.expect(OK)
    if first.json() != again.json():
        raise again.broken("the answer is another one than before")


@RULES.rule("idempotency.other", SOURCE)
async def other(trial: Trial) -> None:
    """Another batch under a key that was used is refused (409, IDEMPOTENCY_CONFLICT)."""
    await trial.claimed()
    first = await _report(trial, "other", 10)
    first.expect(OK)
    answer = await _report(trial, "other", 11)
    answer.expect(409)
    answer.expect_code("IDEMPOTENCY_CONFLICT")
    again = await _report(trial, "other", 10)
    if first.json() != again.json():
        raise again.broken("the first batch is not what it was")


@RULES.rule("idempotency.key", SOURCE)
async def key(trial: Trial) -> None:
    """A batch of usage without a key is refused (400, BAD_IDEMPOTENCY_KEY)."""
    headers = {**trial.bearer("site"), "Content-Type": "application/x-ndjson"}
    answer = await trial.wire.send("POST", "/usage", b"{}", headers)
    answer.expect(400)
    answer.expect_code("BAD_IDEMPOTENCY_KEY")
