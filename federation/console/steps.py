"""The steps of a reason as a page shows them: whole levels, so that what is shown adds up."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

STEPS_MAX: Final = 500  # on a page; the query has them all


def shown_steps(found: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return the steps that a page shows, each with its level, and how many it leaves out.

    `found` are steps of `whyAmount`, parents before children. Of more than a page holds the lowest
    levels are left out, each whole: what stands below a step adds up to it, or is not there.
    """
    steps = [{**each, "level": each["path"].count(".")} for each in found]
    counts, kept, deepest = Counter(each["level"] for each in steps), 0, 0
    for level in sorted(counts):
        kept += counts[level]
        if kept > STEPS_MAX:
            break
        deepest = level
    shown = [each for each in steps if each["level"] <= deepest]
    return shown, len(steps) - len(shown)
