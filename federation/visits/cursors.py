"""The place of a row in a list of visits, as text that a client hands back."""

from datetime import date
from typing import Final

from federation.values.ids import BadIdError
from federation.visits.store import VisitKey

_PARTS: Final = 4
_SHOWN: Final = 40


def written(key: VisitKey) -> str:
    """Return the place of a row as text."""
    return f"{key.day}/{key.outcome}/{int(key.let_through)}/{key.agent}"


def read(text: str) -> VisitKey:
    """Return the place that a text names, or refuse the text (BAD_ID)."""
    parts = text.split("/", _PARTS - 1)
    try:
        day, outcome, let_through, agent = parts
        return VisitKey(date.fromisoformat(day), agent, outcome, let_through == "1")
    except ValueError as error:
        raise BadIdError(repr(text[:_SHOWN])) from error
