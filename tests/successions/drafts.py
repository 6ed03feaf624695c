"""Successions as somebody describes them."""

from datetime import date

from federation.successions.succession import DraftShare, DraftSuccession
from federation.values.papers import Paper

WILL = Paper("will", "court of Leeds, 7/2026", "0" * 64)


def draft(*shares, subject="member:ann", starts_on=date(2026, 9, 10), papers=(WILL,), **fields):
    said = {"ground": "will", "declared_by": "B. Ling", "capacity": "executor"} | fields
    return DraftSuccession(
        subject=subject,
        starts_on=starts_on,
        successors=[DraftShare(*share) for share in shares],
        papers=papers,
        **said,
    )
