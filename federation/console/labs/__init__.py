"""What a lab needs: prices, licences, invoices, programs, usage, what is withheld, webhooks.

Staff see the same of all labs, as far as their office reads it.
"""

from collections.abc import Sequence
from typing import Final

from federation.console.labs.clients import CLIENTS_PAGE
from federation.console.labs.coverage import COVERAGE_PAGE
from federation.console.labs.document import DOCUMENT_PAGE
from federation.console.labs.invoices import INVOICES_PAGE
from federation.console.labs.licences import LICENCE_PAGE, LICENCES_PAGE
from federation.console.labs.offers import OFFERS_PAGE
from federation.console.labs.programs import PROGRAMS_PAGE
from federation.console.labs.usage import USAGE_PAGE
from federation.console.labs.webhooks import WEBHOOK_PAGE, WEBHOOKS_PAGE
from federation.console.labs.withheld import WITHHELD_PAGE
from federation.console.page import Page

LABS: Final[Sequence[Page]] = (
    OFFERS_PAGE,
    LICENCES_PAGE,
    LICENCE_PAGE,
    INVOICES_PAGE,
    DOCUMENT_PAGE,
    USAGE_PAGE,
    COVERAGE_PAGE,
    WITHHELD_PAGE,
    CLIENTS_PAGE,
    WEBHOOKS_PAGE,
    WEBHOOK_PAGE,
    PROGRAMS_PAGE,
)
