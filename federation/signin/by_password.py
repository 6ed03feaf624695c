"""Signing in by a password: how often it may be tried, and what a right one gets.

Whoever guesses waits: by address, by account and address, and by account from everywhere but the
addresses from which the person signed in before. So a stranger slows down himself, and nobody is
locked out of an account for longer than he keeps trying, nor from where its person mostly is.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from federation.accounts import inviting, local, sessions, store
from federation.accounts.inviting import BadCodeError, Halves
from federation.accounts.local import BadSignInError, CodeNeededError
from federation.accounts.passwords import require_strong
from federation.accounts.tables import PersonSession
from federation.errors import RefusalError
from federation.people.audit import Act, record
from federation.people.directory import roles_of
from federation.people.tables import SUBJECT_LENGTH_MAX, PersonVersion
from federation.server import Server
from federation.signin.refused import Refused
from federation.signing.tokens import STAFF_SECONDS_MAX, mint_staff_token
from federation.store.sessions import WriteSession
from federation.trust.key_secret import get_secret
from federation.values.choice import one_of

FAILED_COST: Final = 20  # an attempt counts as so many until it has succeeded
FAMILIAR_MAX: Final = 4_096
TEXT_MAX: Final = 1_024
Result = TypeVar("Result")


class RoleNeededError(RefusalError):
    """This person has several roles: name the one to act in."""

    code: ClassVar[str] = "ROLE_NEEDED"


class WayClosedError(RefusalError):
    """People do not sign in so at this server."""

    code: ClassVar[str] = "WAY_CLOSED"


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows to sign in: who it says it is, its password, a one-time code."""

    subject: str
    password: str
    code: str = ""


class Familiar:
    """From where people signed in of late: (person, address), the newest 4,096."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __contains__(self, known: tuple[str, str]) -> bool:
        return known in self._kept

    def note(self, person: str, address: str) -> None:
        """Remember an address of a person."""
        self._kept[person, address] = None
        self._kept.move_to_end((person, address))
        if len(self._kept) > FAMILIAR_MAX:
            self._kept.popitem(last=False)


class ByPassword:
    """Local accounts of one server: signing in, and using an invitation."""

    def __init__(self, server: Server, refused: Refused) -> None:
        self._server, self._refused = server, refused
        self._familiar = Familiar()

    async def session(self, address: str, shown: Shown) -> tuple[str, PersonSession]:
        """Begin a session (BAD_SIGN_IN, CODE_NEEDED, TOO_MANY_REQUESTS, SIGN_IN_BUSY)."""
        now = self._server.clock()

        async def begun(session: WriteSession, person: PersonVersion) -> tuple[str, PersonSession]:
            return await sessions.begin(session, person, sessions.PASSWORD, now=now)

        return await self._proven(address, shown, begun)

    async def token(self, address: str, shown: Shown, role: str | None) -> tuple[str, str]:
        """Return a token for 12 hours and its role (as `session`, ROLE_NEEDED, UNKNOWN_CHOICE)."""
        server = self._server
        key = (await server.keys.current()).token

        async def signed(session: WriteSession, person: PersonVersion) -> tuple[str, str]:
            chosen = _chosen(roles_of(person), role)
            detail = {"way": sessions.PASSWORD, "token_role": chosen}
            await record(session, person.subject, Act.SIGN_IN, person.subject, detail)
            token = mint_staff_token(
                key,
                server=server.config.entity_id,
                subject=person.subject,
                role=chosen,
                now=await sessions.signed_from(session, person.subject, server.clock()),
                seconds=STAFF_SECONDS_MAX,
            )
            return token, chosen

        return await self._proven(address, shown, signed)

    async def redeem(
        self, address: str, halves: Halves, password: str
    ) -> tuple[str, PersonSession]:
        """Give who holds an invitation a password, and begin a session.

        The code is looked at before the password is hashed (BAD_CODE, WEAK_PASSWORD).
        """
        self._require_open()
        server, now = self._server, self._server.clock()
        server.quotas.take(address, "sign_in", FAILED_COST)
        try:
            async with server.db.read() as session:
                _, person = await inviting.find_invited(session, halves, now)
            require_strong(password, person.subject, person.name, server.config.name)
            hashed = await server.hasher.hashed(password)
            async with server.db.write("sign_in.redeem") as session:
                person = await inviting.redeem_by_password(session, halves, hashed, now=now)
                begun = await sessions.begin(session, person, sessions.PASSWORD, now=now)
        except BadCodeError as refusal:
            await self._refused.note(refusal.code)
            raise
        server.quotas.give_back(address, "sign_in", FAILED_COST - 1)
        self._familiar.note(person.subject, address)
        return begun

    async def _proven(
        self,
        address: str,
        shown: Shown,
        finish: Callable[[WriteSession, PersonVersion], Awaitable[Result]],
    ) -> Result:
        """Do something for a person that has proved itself, in the transaction of the proof."""
        self._require_open()
        server, subject = self._server, shown.subject[: SUBJECT_LENGTH_MAX + 1]
        self._count(address, subject)
        async with server.db.read() as session:
            account = await store.find_account(session, subject)
        kept = None if account is None else account.password
        try:
            is_right = await server.hasher.confirms(shown.password, kept)
            keys, now = get_secret(server.config), server.clock()
            local.require_right(is_right=is_right)
            async with server.db.write("sign_in.password") as session:
                person = await local.prove(session, subject, kept, shown.code, keys, now)
                result = await finish(session, person)
        except BadSignInError as refusal:
            await self._refused.note(refusal.code, None if account is None else subject)
            raise
        except (CodeNeededError, RoleNeededError):
            self._forgive(address, subject)
            raise
        self._forgive(address, subject)
        self._familiar.note(subject, address)
        return result

    def _require_open(self) -> None:
        if not self._server.config.sign_in.local:
            raise WayClosedError("there are no passwords here")

    def _count(self, address: str, subject: str) -> None:
        quotas = self._server.quotas
        quotas.take(address, "sign_in", FAILED_COST)
        quotas.take(f"{address} {subject}", "password")
        if (subject, address) not in self._familiar:
            quotas.take(subject, "account")

    def _forgive(self, address: str, subject: str) -> None:
        quotas = self._server.quotas
        quotas.give_back(address, "sign_in", FAILED_COST - 1)
        quotas.give_back(f"{address} {subject}", "password", 1)
        quotas.give_back(subject, "account", 1)


def _chosen(held: list[str], asked: str | None) -> str:
    if asked is not None:
        return one_of(asked, held, "role")
    if len(held) > 1:
        raise RoleNeededError(", ".join(held))
    return held[0]
