"""What members see and say: their month, visits of crawlers, their sites, what they withhold."""

from federation.console.members.rights import OPT_OUTS_PAGE, RECORDS_PAGE
from federation.console.members.sites import SITES_PAGE, VISITS_PAGE
from federation.console.members.statement import DEDUCTIONS_PAGE, STATEMENT_PAGE, USES_PAGE

MEMBERS = (
    STATEMENT_PAGE,
    DEDUCTIONS_PAGE,
    USES_PAGE,
    VISITS_PAGE,
    SITES_PAGE,
    OPT_OUTS_PAGE,
    RECORDS_PAGE,
)
