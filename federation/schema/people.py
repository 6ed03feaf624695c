"""The directory of people in GraphQL: who works here, and the two people who change it."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.accounts import inviting
from federation.people import directory, store, tables
from federation.schema.choices import PersonState
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_PEOPLE, Role, may_keep_people

_LIST = "people"


@strawberry.type(description="What a person is from an instant on; without roles, it has left.")
class Person:
    """A version of a person: PROPOSED, IN_FORCE, ENDED by a later one, or WITHDRAWN."""

    id: strawberry.ID
    subject: str
    version: int
    name: str
    roles: list[Role]
    party: str | None
    state: PersonState
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    withdrawn_by: str | None
    valid_from: datetime | None
    valid_to: datetime | None

    @classmethod
    def of(cls, row: tables.PersonVersion) -> "Person":
        """Show a version."""
        return cls(
            id=strawberry.ID(str(row.id)),
            subject=row.subject,
            version=row.version,
            name=row.name,
            roles=[Role(role) for role in directory.roles_of(row)],
            party=row.party,
            state=PersonState(row.state),
            reason=row.reason,
            proposed_by=row.proposed_by,
            proposed_at=row.proposed_at,
            confirmed_by=row.confirmed_by,
            withdrawn_by=row.withdrawn_by,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )


PersonResult = Annotated[Person | Refused, strawberry.union("PersonResult")]


@strawberry.type
class PeopleQuery:
    """What operators and auditors read of the directory: on every server."""

    @strawberry.field(description="Who is, was or waits to be here, in the order it was proposed.")
    async def people(
        self,
        info: Info,
        first: int = 100,
        after: str | None = None,
        subject: str | None = None,
        state: PersonState | None = None,
    ) -> Connection[Person]:
        """List versions; state IN_FORCE shows each person once (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_PEOPLE)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.versions(
                session,
                after=key[0] if key else 0,
                subject=subject,
                state=state and state.value,
                limit=size + 1,
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.id,)), Person.of)


@strawberry.type
class PeopleMutation:
    """Two people of whoever operates a server change its directory."""

    @strawberry.mutation(
        description="Propose that somebody joins, changes or leaves (no roles); another confirms."
    )
    async def propose_person(
        self,
        info: Info,
        subject: str,
        name: str,
        roles: list[Role],
        reason: str,
        party: str | None = None,
    ) -> PersonResult:
        """Propose all that the person is to be (BAD_PERSON, UNCLEAR_IDENTITY, PERSON_WAITS)."""

        async def act(at: Change) -> Person:
            wanted = directory.Wanted(subject, name, tuple(role.value for role in roles), party)
            row = await directory.propose(at.session, wanted, reason, who=at.who, at=at.now)
            return Person.of(row)

        may = may_keep_people(info.context.server.code)
        return await change(info, "person.propose", may, act)

    @strawberry.mutation(description="Confirm as another person whom it does not concern: at once.")
    async def confirm_person(self, info: Info, id: strawberry.ID) -> PersonResult:
        """Put it in force (NO_PROPOSAL, SAME_PERSON, TOO_FEW_KEEPERS)."""
        here = info.context.server.code

        async def act(at: Change) -> Person:
            number = row_number(id) or 0
            row = await directory.confirm(at.session, number, here, who=at.who, at=at.now)
            await inviting.follow(at.session, row, by=at.who.subject)
            return Person.of(row)

        return await change(info, "person.confirm", may_keep_people(here), act)

    @strawberry.mutation(description="Take back a proposal about a person that waits.")
    async def withdraw_person(self, info: Info, id: strawberry.ID, reason: str) -> PersonResult:
        """Withdraw it, whoever proposed it (NO_PROPOSAL, REASON)."""

        async def act(at: Change) -> Person:
            number = row_number(id) or 0
            row = await directory.withdraw(at.session, number, reason, who=at.who, at=at.now)
            return Person.of(row)

        return await change(info, "person.withdraw", may_keep_people(info.context.server.code), act)
