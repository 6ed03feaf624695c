"""Signing in at the provider: from the button to a session of this server."""

import secrets
from typing import ClassVar

from federation.accounts import inviting, sessions, store
from federation.accounts.inviting import Halves
from federation.accounts.tables import PersonSession
from federation.edge.forms import read_fields
from federation.errors import LaterError, RefusalError
from federation.people import store as people
from federation.people.directory import roles_of
from federation.server import Server
from federation.signin.begun import Begun, BegunSignIns
from federation.signin.by_password import FAILED_COST
from federation.signin.provider import Provider, ProviderRefusedError
from federation.signin.refused import Refused

VERIFIER_BYTES = 48
CODE_LENGTH_MAX = 2_048


class UnknownIdentityError(RefusalError):
    """Nobody here is known by this account: ask for an invitation."""

    code: ClassVar[str] = "UNKNOWN_IDENTITY"


class AtProvider:
    """The way by an outside provider, of one server process."""

    def __init__(self, server: Server, provider: Provider, refused: Refused) -> None:
        self._server, self._refused = server, refused
        self.provider = provider
        self.begun = BegunSignIns()

    async def begin(
        self, address: str, browser: str, halves: Halves | None = None, back: str | None = None
    ) -> str:
        """Return where the browser goes; what it began is kept, with the invitation it is to use.

        So is the page to come back to.

        Refuses an invitation that is none (BAD_CODE), and while the provider is down.
        """
        cost = 1 if halves is None else FAILED_COST
        self._server.quotas.take(address, "sign_in", cost)
        if halves is not None:
            await self._require_invited(halves)
            self._server.quotas.give_back(address, "sign_in", cost - 1)
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        verifier = secrets.token_urlsafe(VERIFIER_BYTES)
        url = await self.provider.url_to_begin(state, nonce, verifier)
        self.begun.keep(state, Begun(nonce, verifier, browser, address, halves, back))
        return url

    async def finish(self, address: str, query: str, browser: str | None) -> tuple[str, str | None]:
        """Take the provider's answer, once; return the secret of a session of whom it means.

        Beside it is the page to come back to.

        Refuses BAD_STATE, PROVIDER_REFUSED, BAD_ID_TOKEN, UNKNOWN_IDENTITY and what an invitation
        may be refused for.
        """
        self._server.quotas.take(address, "sign_in", FAILED_COST)
        try:
            found = await self._finish(read_fields(query), browser)
        except LaterError:
            raise
        except RefusalError as refusal:
            await self._refused.note(refusal.code)
            raise
        self._server.quotas.give_back(address, "sign_in", FAILED_COST - 1)
        return found

    async def _finish(self, answer: dict[str, str], browser: str | None) -> tuple[str, str | None]:
        begun = self.begun.take(answer.get("state", ""), browser)
        await self.provider.require_answer_of_its_own(answer)
        code = answer.get("code", "")
        if "error" in answer or not 0 < len(code) <= CODE_LENGTH_MAX:
            raise ProviderRefusedError("it said no")
        identity = await self.provider.subject_of(code, begun.nonce, begun.verifier)
        secret, _ = await self._signed_in(identity, begun)
        return secret, begun.back

    async def _signed_in(self, identity: str, begun: Begun) -> tuple[str, PersonSession]:
        issuer, now = self.provider.issuer, self._server.clock()
        async with self._server.db.write("sign_in.provider") as session:
            known = await store.find_identity(session, issuer, identity)
            if begun.halves is not None:
                named = (issuer, identity)
                person = await inviting.redeem_by_identity(session, begun.halves, named, now=now)
            elif known is None:
                raise UnknownIdentityError
            else:
                found = await people.person_in_force(session, known.person)
                if found is None or not roles_of(found):
                    raise UnknownIdentityError
                person = found
            return await sessions.begin(session, person, issuer, now=now)

    async def _require_invited(self, halves: Halves) -> None:
        try:
            async with self._server.db.read() as session:
                await inviting.find_invited(session, halves, self._server.clock())
        except RefusalError as refusal:
            await self._refused.note(refusal.code)
            raise
