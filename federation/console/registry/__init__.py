"""What a collective's registry officers look after at their node."""

from federation.console.registry.claims import CLAIMS_PAGE
from federation.console.registry.proposals import PROPOSALS_PAGE
from federation.console.registry.search import SEARCH_PAGE, WORK_PAGE

REGISTRY = (SEARCH_PAGE, WORK_PAGE, CLAIMS_PAGE, PROPOSALS_PAGE)
