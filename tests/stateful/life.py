"""One federation's life: what the test knows beside the servers, and how everything is asked.

Whatever is asked may meet mischief: the server dies at one of the commits and is asked again word
for word, two officers ask at once, an old request comes once more. A refusal writes nothing.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from federation.money import decimal_text
from federation.values.party import HUB
from tests.banking.bank import Ntry, Tx, statement
from tests.stateful.world import Answer, DefectError, Request, World

OFFICERS, APPROVERS = ("settlement", "two-hats", "clerk"), ("approver", "two-hats", "clerk")
OFFICER, APPROVER = "settlement_officer", "settlement_approver"

ACCOUNTS = {
    HUB: [("DE89370400440532013000", "EUR"), ("DE89370400440532013000", "GBP")],
    "DE": [("DE75512108001245126199", "EUR"), ("DE75512108001245126199", "GBP")],
    "FR": [("FR1420041010050500013M02606", "EUR")],
    "GB": [("GB29NWBK60161331926819", "GBP"), ("GB29NWBK60161331926819", "EUR")],
}

LABS = ("lab-one", "lab-two", "lab-three")
KEPT = 60

# Of two who ask this at once with success, one has done something wrong. Others (to approve a run,
# to calculate) say once more what came of it.
ONCE = frozenset(
    {"decideHeldClaim", "decideDispute", "claimHeldItem", "settleWithItems", "approveSettlement"}
    | {"undoSettlement", "proposePaymentAgain", "openCorrection"}
)


@dataclass
class Bank:
    """An account at a bank: what it booked since its last statement."""

    code: str
    account: str
    currency: str
    balance: int = 0
    stated: int = 0
    sequence: int = 0
    booked: int = 0
    waiting: list[Ntry] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    told: list[Ntry] = field(default_factory=list)  # the latest, with all the bank knows of them
    bare: list[Ntry] = field(default_factory=list)  # what it stated without details

    def book(
        self, minor: int, day: date, *, text: str = "", e2e: str | None = None, **tx: Any
    ) -> None:
        """Book an amount; below 0 it leaves the account."""
        self.booked += 1
        amount, direction = decimal_text(abs(minor), self.currency), "CRDT" if minor > 0 else "DBIT"
        entry = Ntry(
            amount,
            direction,
            reference=f"{self.code}{self.currency}{self.booked}",
            currency=self.currency,
            booked_on=day.isoformat(),
            txs=(Tx(amount, direction, e2e=e2e, text=text, **tx),),
        )
        self.waiting.append(entry)
        self.told = [*self.told[-9:], entry]
        self.balance += minor

    def state(self, day: date, version: int, *, bare: bool = False) -> bytes:
        """Write the statement of what was booked; a bare one leaves all details to notices."""
        self.sequence += 1
        stated = [replace(entry, txs=()) for entry in self.waiting] if bare else self.waiting
        self.bare += self.waiting if bare else []
        file = statement(
            *stated,
            opening=decimal_text(self.stated, self.currency),
            closing=decimal_text(self.balance, self.currency),
            version=version,
            statement_id=f"{self.code}-{self.currency}-{self.sequence}",
            account=self.account,
            currency=self.currency,
            sequence=self.sequence,
            day=day.isoformat(),
        )
        self.waiting, self.stated = [], self.balance
        self.sent.append(file)
        return file


@dataclass
class Life:
    """A world and the test's memory of it."""

    world: World
    random: Random
    mischief: float = 0.25
    banks: list[Bank] = field(default_factory=list)
    earlier: list[Request] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    numbers: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    booked: set[str] = field(default_factory=set)  # what a bank has booked, rejected or returned

    @property
    def now(self) -> datetime:
        return self.world.clock()

    @property
    def today(self) -> date:
        return self.now.date()

    def fresh(self, prefix: str) -> str:
        """Return a key nobody has used."""
        self.numbers += 1
        return f"{prefix}-{self.numbers}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def officer(self, code: str, field: str, /, **variables: Any) -> Request:
        """Return a request of an officer, mostly of one who is nothing else."""
        return Request(code, self.one_of(OFFICERS), OFFICER, field, variables)

    def approver(self, code: str, field: str, /, **variables: Any) -> Request:
        """Return a request of an approver, mostly of one who is nothing else."""
        return Request(code, self.one_of(APPROVERS), APPROVER, field, variables)

    def one_of(self, people: tuple[str, ...]) -> str:
        return people[0] if self.chance(0.8) else self.random.choice(people)

    async def rows(self, code: str, query: str, **values: Any) -> list[Any]:
        return await self.world.sites[code].rows(query, **values)

    async def pick(self, code: str, query: str, **values: Any) -> Any:
        """Return one of the rows of a query, or None."""
        found = await self.rows(code, query, **values)
        return self.random.choice(found) if found else None

    async def somewhere(self, query: str) -> str | None:
        """Return a server that is up and where a query finds something."""
        codes = [
            code
            for code, site in self.world.sites.items()
            if site.is_up and await site.rows(f"{query} LIMIT 1")
        ]
        return self.random.choice(codes) if codes else None

    async def ask(self, request: Request) -> Answer:
        """Ask, with the mischief that befalls everybody."""
        site = self.world.sites[request.code]
        if not site.is_up:
            return Answer(code="DOWN")
        self.remember(request)
        if not self.chance(self.mischief):
            return await self.plainly(request)
        kind = self.random.choice(["crash", "both", "again"])
        if kind == "crash":
            self.counts["asked of a server that dies"] += 1
            site.crash_in = (1, self.random.choice(["before", "after"]))
            answer = await self.world.send(request)
            site.crash_in = None
            if not answer.died:
                self.note(request, answer)
                return answer
            return await self.plainly(request)
        if kind == "both":
            return await self.both(request, self.another(request))
        answer = await self.plainly(request)
        if answer.is_done:
            await self.plainly(request)
        return answer

    async def plainly(self, request: Request) -> Answer:
        """Ask once; what is refused has written nothing."""
        site = self.world.sites[request.code]
        watched = site.db.is_sqlite or self.chance(0.1)
        before = await site.mark() if watched else None
        answer = await self.world.send(request)
        self.note(request, answer)
        if watched and answer.code is not None and await site.mark() != before:
            raise DefectError(f"refused with {answer.code}, and written: {request}")
        return answer

    async def both(self, one: Request, other: Request) -> Answer:
        """Two ask at once."""
        self.counts["two at once"] += 1
        answers = await self.world.send_both(one, other)
        for request, answer in zip((one, other), answers, strict=True):
            self.note(request, answer)
        if one.name in ONCE and all(answer.is_done for answer in answers):
            raise DefectError(f"both had their way: {one} and {other}: {answers}")
        return next((answer for answer in answers if answer.is_done), answers[0])

    def another(self, request: Request) -> Request:
        """Return the same wish of somebody else with that office, or of the same person."""
        people = {OFFICER: OFFICERS, APPROVER: APPROVERS}.get(request.role, (request.subject,))
        subject = self.random.choice(people)
        return Request(
            request.code,
            subject,
            request.role,
            request.name,
            request.variables,
            request.body,
            request.headers,
        )

    def note(self, request: Request, answer: Answer) -> None:
        """Count what was asked and what came of it."""
        word = "died" if answer.died else answer.code or "done"
        self.log.append(f"{self.now:%m-%d} {request} -> {word}")
        self.counts[f"asked {request.name}"] += 1
        if answer.is_done:
            self.counts[f"done {request.name}"] += 1
        elif answer.code:
            self.log[-1] += f" {answer.value}"[:200]
            self.refusals[f"{request.name} {answer.code}"] += 1

    def remember(self, request: Request) -> None:
        """Keep some requests, to send them again much later."""
        if len(self.earlier) < KEPT:
            self.earlier.append(request)
        elif self.chance(0.3):
            self.earlier[self.random.randrange(KEPT)] = request

    def bank(self, code: str, currency: str) -> Bank | None:
        return next((b for b in self.banks if (b.code, b.currency) == (code, currency)), None)


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def first_of(day: date, months: int = 0) -> date:
    """Return the first of the month some months away."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def last_of(day: date, months: int = 0) -> date:
    return first_of(day, months + 1) - timedelta(days=1)


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
