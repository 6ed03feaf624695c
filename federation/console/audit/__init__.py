"""What an auditor looks at: runs that can be computed again, the books, and what must be true."""

from federation.console.audit.books import ACCOUNT_PAGE, BALANCE_PAGE, JOURNAL_PAGE
from federation.console.audit.invariants import INVARIANTS_PAGE
from federation.console.audit.runs import RUNS_PAGE

AUDIT = (RUNS_PAGE, JOURNAL_PAGE, BALANCE_PAGE, ACCOUNT_PAGE, INVARIANTS_PAGE)
