"""Numbering a stream anew in which somebody else sent messages in this server's name."""

from federation.people.audit import Act, record
from federation.store import outbox
from federation.store.sessions import WriteSession
from federation.trust.principals import Principal
from federation.values.reason import stated


async def renumber(
    session: WriteSession, target: str, stream: str, number: int, *, reason: str, who: Principal
) -> int:
    """Number what waits anew from `number` on; return how many messages (NO_CONFLICT, REASON)."""
    because = stated(reason)
    former, count = await outbox.renumber(session, target=target, stream=stream, number=number)
    detail = {
        "stream": stream,
        "from": f"{former}",
        "to": f"{number}",
        "messages": f"{count}",
        "reason": because,
    }
    await record(session, who.subject, Act.DELIVERY_RENUMBER, target, detail)
    return count
