"""Money that came beyond what was owed: paid back, or set off, by two people."""

from federation.console.reconciliation.overpayments.overpayments import OVERPAYMENTS_PAGE

OVERPAYMENTS = (OVERPAYMENTS_PAGE,)
