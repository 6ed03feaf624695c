"""The bank's word and what it was for; held money, and why a number is what it is."""

from federation.console.reconciliation.claims import HELD_CLAIMS
from federation.console.reconciliation.entry import ENTRY_PAGE
from federation.console.reconciliation.exceptions import EXCEPTIONS_PAGE
from federation.console.reconciliation.files import FILES_PAGE
from federation.console.reconciliation.held import HELD_PAGE
from federation.console.reconciliation.limits import LIMITS_PAGE
from federation.console.reconciliation.match import MATCH_PAGE
from federation.console.reconciliation.overpayments import OVERPAYMENTS
from federation.console.reconciliation.statement import STATEMENT_PAGE
from federation.console.reconciliation.why import USES_PAGE, WHY_PAGE

RECONCILIATION = (
    MATCH_PAGE,
    ENTRY_PAGE,
    EXCEPTIONS_PAGE,
    FILES_PAGE,
    STATEMENT_PAGE,
    *OVERPAYMENTS,
    HELD_PAGE,
    *HELD_CLAIMS,
    LIMITS_PAGE,
    WHY_PAGE,
    USES_PAGE,
)
