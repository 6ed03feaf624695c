"""All rules, tried one after the other within one budget."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from federation.conformance import (
    admission,
    deliveries,
    documents,
    filters,
    idempotency,
    limits,
    optouts,
    over_http,
    paging,
    refusals,
    schema,
    signed,
)
from federation.conformance.hub import TrialHub
from federation.conformance.trial import Trial
from federation.conformance.verdicts import BrokenError, NotTriedError, Outcome, Rule, Verdict
from federation.conformance.wire import Budget, Wire, http_session
from federation.errors import RefusalError

SECONDS: Final = 600.0
REQUESTS_MAX: Final = 2_000
RULES: Final[Sequence[Rule]] = tuple(
    rule
    for room in (
        schema,
        over_http,
        admission,
        signed,
        paging,
        optouts,
        refusals,
        documents,
        deliveries,
        filters,
        idempotency,
        limits,
    )
    for rule in room.RULES.all
)


def chosen(names: Sequence[str]) -> list[Rule]:
    """Return the rules whose name begins with one of some texts, in their order; all for none."""
    return [rule for rule in RULES if not names or rule.name.startswith(tuple(names))]


@asynccontextmanager
async def trial_with(url: str, hub: TrialHub, seconds: float = SECONDS) -> AsyncIterator[Trial]:
    """Begin a trial with the node at an address; its hub listens already."""
    async with http_session() as http:
        yield Trial(Wire(url, http, Budget(seconds, REQUESTS_MAX)), hub)


async def judged(trial: Trial, rules: Sequence[Rule] = RULES) -> AsyncIterator[Verdict]:
    """Try some rules; yields each verdict as it is reached."""
    for rule in rules:
        yield await _tried(rule, trial)


async def _tried(rule: Rule, trial: Trial) -> Verdict:
    """Try one rule; what a node sends that nobody thought of is its fault, not the kit's."""
    try:
        async with asyncio.timeout(trial.wire.budget.left()):
            await rule.check(trial)
    except BrokenError as error:
        return Verdict(rule, Outcome.FAILED, error.reason, error.sent, error.came)
    except NotTriedError as error:
        return Verdict(rule, Outcome.NOT_TRIED, str(error))
    except TimeoutError:
        return Verdict(rule, Outcome.NOT_TRIED, "the time of the kit is over")
    except (LookupError, TypeError, ValueError, AttributeError, RefusalError) as error:
        reason = f"what came has not the shape that was asked for ({type(error).__name__}: {error})"
        return Verdict(rule, Outcome.FAILED, reason)
    return Verdict(rule, Outcome.PASSED)
