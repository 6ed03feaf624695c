"""Held money that finds its owner: the published list, claims on it, and what was decided."""

from federation.console.reconciliation.claims.claims import (
    CLAIMS_AT_A_NODE,
    CLAIMS_AT_THE_HUB,
)
from federation.console.reconciliation.claims.published import PUBLISHED_PAGE

HELD_CLAIMS = (CLAIMS_AT_THE_HUB, CLAIMS_AT_A_NODE, PUBLISHED_PAGE)
