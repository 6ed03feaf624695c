"""What is said of a member over a period, from the day it joined to the day it left; pure."""

from datetime import UTC, date, datetime, time
from typing import Final

import msgspec

from federation.history.kinds import Kind
from federation.registry.tables import MemberVersion
from federation.values.search_words import distinct_words, sorting_text


class MemberDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member's name and country over a period, and whether it is suspended."""

    name: str
    country: str
    is_suspended: bool = False

    @property
    def sorted_by(self) -> str:
        """The name as it is put in order."""
        return sorting_text(self.name)

    @property
    def words(self) -> list[str]:
        """The words it is found by, each once."""
        return distinct_words([self.name])


MEMBERS: Final = Kind("MEMBER", MemberVersion, MemberDetails)
CLAIM, OPT_OUT = "CLAIM", "OPT_OUT"
"""Names of two more kinds in the feed of changes; their rows are versions themselves."""


def midnight(day: date) -> datetime:
    """Return the instant at which a UTC day begins."""
    return datetime.combine(day, time(), UTC)
