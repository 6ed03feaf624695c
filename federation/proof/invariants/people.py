"""Where two people are needed, two decided: however each is written (SETTLEMENT §8).

The database itself compares the texts, the code what they look like (`values/identity.py`): no
database can do that. So what is stored is looked at again, whoever wrote it.
"""

from federation.disputes.tables import Dispute
from federation.months.tables import Run
from federation.payments.tables import Exclusion, PayAhead, Payment
from federation.people.tables import PersonVersion
from federation.runs.tables import MissingReport
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.store.tables import ParkedMessage
from federation.suspense.tables import HeldClaim
from federation.trust.store import decided_alone
from federation.trust.tables import Application, Suspension

_PAIRS = (
    (Run.calculated_by, Run.approved_by),
    (Payment.proposed_by, Payment.approved_by),
    (Exclusion.proposed_by, Exclusion.confirmed_by),
    (PayAhead.proposed_by, PayAhead.confirmed_by),
    (MissingReport.declared_by, MissingReport.confirmed_by),
    (Dispute.proposed_by, Dispute.decided_by),
    (HeldClaim.filed_by, HeldClaim.decided_by),
    (ParkedMessage.drop_proposed_by, ParkedMessage.decided_by),
    (PersonVersion.proposed_by, PersonVersion.confirmed_by),
    (PersonVersion.subject, PersonVersion.confirmed_by),
    (Application.recommended_by, Application.decided_by, Application.state == "ADMITTED"),
    (Suspension.proposed_by, Suspension.decided_by, Suspension.state == "DONE"),
)


async def decided_by_two(session: ReadSession, here: str) -> Check:
    """I21: who prepared and who decided are two, of everything that two people decide."""
    del here
    return await decided_alone(session, *_PAIRS)
