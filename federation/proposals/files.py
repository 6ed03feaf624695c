"""Files of consent records: one proposal for all that waits of a file, and what becomes of it.

A file may have hundreds of thousands of rows. Once its proposal is confirmed they are entered batch
by batch, each batch in a transaction of its own, each row judged again.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from federation.history.kinds import Saying
from federation.proposals import service, store
from federation.proposals.acts import EnterConsentFile
from federation.proposals.rules import Rules
from federation.registryimports import deciding
from federation.registryimports import store as imports
from federation.registryimports.consents import ConsentFile
from federation.registryimports.service import State, get_import
from federation.registryimports.tables import RegistryImport
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal


async def propose(session: WriteSession, import_id: str, *, who: Principal, rules: Rules) -> None:
    """Propose what waits of a file that was read to its end, once; nothing where nothing waits."""
    row = await get_import(session, import_id)
    is_whole = row.state == State.DONE and not row.is_dry_run
    if not is_whole or row.proposal is not None or row.waits == 0:
        return
    await session.flush()
    states = msgspec.json.decode(row.waiting_states, type=dict[str, int])
    act = EnterConsentFile(row.import_id, row.digest, row.waits, states)
    proposal = await service.propose(session, act, row.reason, who=who, rules=rules)
    row.proposal = proposal.id


async def decided(session: ReadSession, now: datetime) -> Sequence[RegistryImport]:
    """Return the imports with rows that wait, of whose proposal it is known what became of it."""
    waiting = await imports.waiting_imports(session)
    proposals = await store.by_id(session, {row.proposal for row in waiting if row.proposal})
    over = {
        number
        for number, proposal in proposals.items()
        if service.state_of(proposal, now) != store.WAITS
    }
    return [row for row in waiting if row.proposal in over]


async def enter_batch(session: WriteSession, import_id: str, rules: Rules) -> None:
    """Record the next batch that waits, or say that it was not confirmed."""
    row = await get_import(session, import_id)
    proposal = None if row.proposal is None else await store.find(session, row.proposal)
    if proposal is None:
        return
    outcome = service.state_of(proposal, rules.now)
    if outcome == store.CONFIRMED:
        saying = Saying(proposal.proposed_by, row.reason, rules.now)
        file = ConsentFile(rules.node, rules.uses, row.starts_at)
        await deciding.enter_next(session, import_id, file, saying)
    elif outcome != store.WAITS:
        await deciding.refuse_next(session, import_id, f"proposal {proposal.id} is {outcome}")
