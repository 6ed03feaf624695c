"""Rules of how a node joins, and of what its registry takes."""

from typing import Final

from federation.conformance.trial import Trial
from federation.conformance.verdicts import Rules

RULES: Final = Rules()


@RULES.rule("admission.joins", "docs/trust.md; federation/trust/grants.py")
async def joins(trial: Trial) -> None:
    """A node applies to its hub with a signed call, and takes the calls of the hub that grants."""
    await trial.judge("admission", trial.join)


@RULES.rule("registry.takes", "docs/registry.md")
async def takes(trial: Trial) -> None:
    """A registry officer registers a member and its claim, each by one mutation."""
    await trial.judge("registry", trial.register)


@RULES.rule("registry.works", "docs/registry.md")
async def works(trial: Trial) -> None:
    """A registry officer registers works with titles and identifiers, done at once."""
    await trial.judge("works", trial.register_works)
