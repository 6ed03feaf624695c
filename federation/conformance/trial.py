"""A trial with one node: as whom the kit asks, and what it has put into the node to ask about.

Each step is taken once, by the first rule that needs it. A step that fails is no fault against
every rule: `admission.joins` and `registry.takes` say what it was, the others are not tried.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from federation.clock import system_clock
from federation.conformance.hub import Node, TrialHub
from federation.conformance.verdicts import BrokenError, NotTriedError
from federation.conformance.wire import Exchange, Wire

JOIN_SECONDS: Final = 90.0  # a node asks its hub again within a minute
PAUSE_SECONDS: Final = 0.2
USE: Final = "TRAIN"
REASON: Final = "trial by the conformance kit"
ON_BEHALF_OF: Final = "Federation-On-Behalf-Of"
APPLY: Final = """mutation($invitation: String!) { applyForAdmission(invitation: $invitation) {
  __typename ... on Refused { code message } } }"""
REFUSED: Final = "__typename ... on Refused { code message }"
SINCE: Final = "2020-01-01"
KNOWN: Final = "query($id: ID!) { member(id: $id) { id } }"
MEMBER: Final = f"""mutation($id: String!, $joinedOn: Date!, $reason: String!) {{
  registerMember(id: $id, name: "Member of a trial", country: "GB", joinedOn: $joinedOn,
    reason: $reason) {{ {REFUSED} }} }}"""
CLAIM: Final = f"""mutation($member: String!, $claim: ClaimInput!, $reason: String!) {{
  registerClaim(member: $member, claim: $claim, reason: $reason) {{ {REFUSED} }} }}"""
WORK: Final = f"""mutation($id: String!, $work: WorkInput!, $reason: String!) {{
  registerWork(id: $id, work: $work, reason: $reason) {{ {REFUSED} }} }}"""
OPT_OUT: Final = f"""mutation($subject: String!, $use: String!, $reason: String!) {{
  recordOptOut(subject: $subject, use: $use, reason: $reason) {{ {REFUSED} }} }}"""
SIGNED_IN: Final = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use, ownOnly: true) { complete } }"""
TITLES: Final = (
    ("Zebra", "zebra"),
    ("éclair", "eclair"),
    ("apple", "apple"),
    ("Eclair", "eclair"),
    ("ÉCLAIR!", "eclair"),
    ("apple pie", "apple pie"),
    ("Apple", "apple"),
    ("zebra 2", "zebra 2"),
)
"""Titles, and their words by which they are put in order: where these are equal, ids decide."""
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
Found = TypeVar("Found")


def isbn() -> str:
    """Draw an ISBN with the right check digit: a filter is asked for what nobody else has."""
    digits = [9, 7, 9, 8, *(secrets.randbelow(10) for _ in range(8))]
    check = -sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10
    return "ISBN:" + "".join(map(str, [*digits, check]))


@dataclass(frozen=True, slots=True)
class Work:
    """A work that the kit registered."""

    id: str
    title: str
    sorts_by: str
    identifier: str


@dataclass(slots=True)
class Trial:
    """What the rules of one run share. `word` is new in each run and stands in all it registers."""

    wire: Wire
    hub: TrialHub
    word: str = field(default_factory=lambda: "q" + secrets.token_hex(5))
    began: datetime = field(default_factory=system_clock)
    works_at: datetime = NEVER
    """When the works of this run had been registered."""
    _steps: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def member(self) -> str:
        """Return the id of the member at the node."""
        return self.hub.papers.settings.member

    @property
    def host(self) -> str:
        """Return the host of the addresses that are the member's in this run."""
        return f"{self.word}.example"

    def bearer(self, office: str) -> dict[str, str]:
        """Return the headers of somebody at the node; raises NotTriedError without a token."""
        token = getattr(self.hub.papers.settings.bearers, office)
        if token is None:
            raise NotTriedError(f"trial.toml has no bearer for {office}")
        return {"Authorization": f"Bearer {token}"}

    async def as_hub(self, on_behalf_of: str = "signed-in", **token: Any) -> dict[str, str]:
        """Return the headers of a request of the hub, on behalf of somebody."""
        await self.joined()
        headers = {"Authorization": f"Bearer {self.hub.token(**token)}"}
        return {**headers, ON_BEHALF_OF: on_behalf_of}

    async def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> Exchange:
        """Ask as the hub does for somebody who has signed in."""
        return await self.wire.graphql(document, variables, await self.as_hub(), **more)

    async def act(self, office: str, document: str, **variables: Any) -> Exchange:
        """Carry out a mutation as somebody of an office."""
        return await self.wire.graphql(document, variables, self.bearer(office))

    async def need(self, name: str, step: Callable[[], Awaitable[Found]]) -> Found:
        """Return what came of a step; where it failed the rule that needs it is not tried."""
        try:
            return await self.judge(name, step)
        except BrokenError as error:
            raise NotTriedError(f"{name} did not come about: {error.reason}") from error

    async def judge(self, name: str, step: Callable[[], Awaitable[Found]]) -> Found:
        """Return what came of a step, taken once, or raise why it failed: its own rule asks."""
        if name not in self._steps:
            try:
                self._steps[name] = await step()
            except (BrokenError, NotTriedError) as error:
                self._steps[name] = error
        found = self._steps[name]
        if isinstance(found, BrokenError | NotTriedError):
            raise found
        return cast(Found, found)

    async def joined(self) -> Node:
        """Return the node, admitted to the trial's hub."""
        return await self.need("admission", self.join)

    async def claimed(self) -> str:
        """Return the host of this run, which the member claims at the node."""
        return await self.need("registry", self.register)

    async def works(self) -> list[Work]:
        """Return the works of this run, registered at the node."""
        return await self.need("works", self.register_works)

    async def join(self) -> Node:
        """Have the node apply where it has not, and wait until it takes the hub's calls."""
        if self.hub.node is None:
            operator = self.bearer("node_operator")
            invitation = {"invitation": secrets.token_urlsafe(24)}
            applied = await self.wire.graphql(APPLY, invitation, operator)
            if applied.code() == "NOT_AUTHENTICATED":
                raise applied.broken("the bearer of node_operator is not taken")
        until, answer = time.monotonic() + JOIN_SECONDS, None
        while time.monotonic() < until:
            if self.hub.node is not None:
                answer = await self._asked_as_hub()
                if answer.is_data() and answer.data() == {"rights": {"complete": True}}:
                    return self.hub.node
            await asyncio.sleep(PAUSE_SECONDS)
            self.wire.budget.left()
        if answer is None:
            why = "; ".join(self.hub.refused[-1:])
            raise BrokenError(f"no application came within {JOIN_SECONDS:.0f} seconds; {why}")
        raise answer.broken("the node does not take the calls of the hub that admitted it")

    async def _asked_as_hub(self) -> Exchange:
        headers = {"Authorization": f"Bearer {self.hub.token()}", ON_BEHALF_OF: "signed-in"}
        asked = {"urls": [f"https://{self.host}/"], "use": USE}
        return await self.wire.graphql(SIGNED_IN, asked, headers)

    async def register(self) -> str:
        """Register the member, unless an earlier run has, and its claim; return what it claims."""
        await self.joined()
        known = await self.act("registry_officer", KNOWN, id=self.member)
        if known.data()["member"] is None:
            await self.done(MEMBER, {"id": self.member, "joinedOn": SINCE, "reason": REASON})
        claim = {"contentTier": "standard", "address": f"{self.host}/"}
        await self.done(CLAIM, {"member": self.member, "claim": claim, "reason": REASON})
        return self.host

    async def register_works(self) -> list[Work]:
        """Register works whose order by title is not that in which they are registered."""
        await self.joined()
        made = [
            await self.register_work(f"{self.word}-{number}", self.word, *title)
            for number, title in enumerate(TITLES)
        ]
        self.works_at = system_clock()
        return made

    async def register_work(self, number: str, word: str, title: str, sorts_by: str) -> Work:
        """Register a work with a word of its own in its title, under the collective's own id."""
        node = await self.joined()
        work = Work(f"{node.code}:{number}", f"{word} {title}", f"{word} {sorts_by}", isbn())
        said = {"title": work.title, "identifiers": [work.identifier]}
        await self.done(WORK, {"id": number, "work": said, "reason": REASON})
        return work

    async def done(self, document: str, variables: Mapping[str, Any]) -> None:
        """Have a registry officer do something at once."""
        answer = await self.act("registry_officer", document, **variables)
        [(name, found)] = answer.data().items()
        kind = found.get("__typename") if isinstance(found, dict) else None
        if kind == "Refused":
            raise answer.broken(f"{name} was refused")
        if kind == "Proposal":
            raise answer.broken(f"{name} waits for another person")

    async def opt_out(self, path: str) -> None:
        """Withhold what lies below a path of the member's from the use."""
        await self.claimed()
        said = {"subject": f"{self.host}{path}", "use": USE, "reason": REASON}
        await self.done(OPT_OUT, said)
