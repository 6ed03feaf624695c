"""The month of settlement staff: its path, its run, payments and documents."""

from federation.console.settlement.correction import CORRECTION
from federation.console.settlement.documents import DOCUMENTS_PAGE
from federation.console.settlement.month import MONTH_AT_A_NODE, MONTH_AT_THE_HUB
from federation.console.settlement.payments import PAYMENT_PAGE, PAYMENTS_PAGE
from federation.console.settlement.run import RUN_AT_A_NODE, RUN_AT_THE_HUB

SETTLEMENT = (
    MONTH_AT_THE_HUB,
    MONTH_AT_A_NODE,
    RUN_AT_THE_HUB,
    RUN_AT_A_NODE,
    PAYMENTS_PAGE,
    PAYMENT_PAGE,
    *CORRECTION,
    DOCUMENTS_PAGE,
)
