"""Who is asking: what a checked token says of its bearer, and what rules ask of that."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from federation.errors import RefusalError
from federation.values.identity import is_same
from federation.values.roles import Readers


class NotAuthenticatedError(RefusalError):
    """A valid token of this server is needed."""

    code: ClassVar[str] = "NOT_AUTHENTICATED"


class NotAllowedError(RefusalError):
    """Your role does not allow this."""

    code: ClassVar[str] = "NOT_ALLOWED"


class SamePersonError(RefusalError):
    """Another person than the one who prepared this must decide it."""

    code: ClassVar[str] = "SAME_PERSON"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: a person, a lab, a member, a program, another server (role `peer`).

    `party` is the licensee, member or node code the caller stands for; tenancy comes from it,
    never from an argument. `is_program` says that a client asks, with a credential of its own.
    """

    subject: str
    roles: frozenset[str]
    party: str | None = None
    is_program: bool = False

    def require(self, *roles: str) -> None:
        """Refuse unless the caller holds one of the roles."""
        if self.roles.isdisjoint(roles):
            raise NotAllowedError(f"needs {' or '.join(roles)}")

    def whose(self, readers: Readers, asked: str | None = None) -> str | None:
        """Return whose facts the caller is shown, or refuse who may read none of them.

        A party gets its own code or id, whatever it asks for; staff get what they `asked` for,
        where None stands for everybody's.
        """
        self.require(*readers.roles)
        return self.require_party() if readers.own in self.roles else asked

    def require_party(self) -> str:
        """Return the party the caller stands for, or refuse."""
        if self.party is None:
            raise NotAllowedError("the caller stands for no party")
        return self.party


def require_other_person(maker: str | None, checker: str) -> None:
    """Refuse when the same person prepared and decides (four eyes), however it is written."""
    if is_same(maker, checker):
        raise SamePersonError(checker)


def require_unconcerned(person: str, checker: str) -> None:
    """Refuse who decides what concerns himself, however he is written (SAME_PERSON)."""
    if is_same(person, checker):
        raise SamePersonError(f"it concerns {checker}, who does not decide it")


def require_no_part(makers: Iterable[str], checker: str, did: str) -> None:
    """Refuse who had a part in what is decided; `did` says which: `entered rates`."""
    if any(is_same(maker, checker) for maker in makers):
        raise SamePersonError(f"{checker} {did}")
