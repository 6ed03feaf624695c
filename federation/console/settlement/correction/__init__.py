"""Settled months, computed again: what came late, the runs that follow, what is set off."""

from federation.console.settlement.correction.correction import CORRECTION_PAGE

CORRECTION = (CORRECTION_PAGE,)
