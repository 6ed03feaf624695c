"""Basis points: hundredths of a percent, whole numbers, from nothing to all of it."""

from typing import Annotated

from msgspec import Meta

WHOLE_BPS = 10_000
Bps = Annotated[int, Meta(ge=0, le=WHOLE_BPS)]
