"""Rules of refusals: stable codes, and defects that tell nothing."""

from typing import Final

from federation.conformance.optouts import RIGHTS
from federation.conformance.trial import Trial
from federation.conformance.verdicts import Rules

RULES: Final = Rules()


@RULES.rule("refusals.use", "docs/tour.md, a refusal code")
async def use(trial: Trial) -> None:
    """`rights` for a use that nobody has named is refused with UNKNOWN_USE, without data."""
    answer = await trial.ask(RIGHTS, {"urls": [f"https://{trial.host}/"], "use": "NO_SUCH_USE"})
    answer.expect_code("UNKNOWN_USE")
