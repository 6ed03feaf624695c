"""What `federation check` says: of a run's published bytes alone, or of a live database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from federation.banking import invariants as banking
from federation.cli.ledger import books_of, code_of
from federation.config import HubConfig, NodeConfig
from federation.ledger import service as ledger
from federation.ledger import store as ledger_store
from federation.money import decimal_text
from federation.people import invariants as people
from federation.proof.invariants.checks import INVARIANTS, examine_server
from federation.proof.invariants.examining import Finding, Invariant
from federation.settlement.check import check_run_file
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import RunDocument, decode, run_id
from federation.store import inbox
from federation.webhooks import store as webhooks
from federation.wording import counted


@dataclass(frozen=True, slots=True)
class Found:
    """A recomputed run: what was examined, and the figures that follow from the file."""

    run_id: str
    document: RunDocument
    result: RunResult
    checks: dict[str, tuple[int, list[str]]]

    @property
    def violations(self) -> list[str]:
        """Return every violation with the name of its invariant."""
        return [f"{name}: {text}" for name, (_, wrong) in self.checks.items() for text in wrong]

    def as_json(self) -> str:
        """Return the figures: shares by licence key, nets, remittances, checks."""
        result = self.result
        return json.dumps(
            {
                "run_id": self.run_id,
                "period": self.document.period,
                "shares": {key: licence.shares for key, licence in result.licences.items()},
                "nets": {party: position.net for party, position in result.positions.items()},
                "remittances": result.remittances,
                "checks": {
                    name: {"examined": examined, "violations": wrong}
                    for name, (examined, wrong) in self.checks.items()
                },
            },
            sort_keys=True,
            indent=1,
        )

    def as_text(self) -> str:
        """Return the figures for a reader."""
        lines = [f"run {self.run_id}", f"period {self.document.period}", "", "shares"]
        for key, licence in self.result.licences.items():
            for party, amount in sorted(licence.shares.items()):
                text = decimal_text(amount, licence.currency)
                lines.append(f"  {key:<16} {party:<12} {text:>20} {licence.currency}")
        clearing = self.document.hub.clearing_currency
        lines += ["", "nets and remittances"]
        for party, position in self.result.positions.items():
            net = decimal_text(position.net, clearing)
            paid = ""
            if party in self.result.remittances:
                currency = self.document.collectives[party].settlement_currency
                remitted = decimal_text(self.result.remittances[party], currency)
                paid = f"{remitted:>20} {currency}"
            lines.append(f"  {party:<16} {net:>20} {clearing} {paid}".rstrip())
        lines += ["", "checks"]
        for name, (examined, wrong) in sorted(self.checks.items()):
            lines.append(f"  {name:<28} {examined:>8} examined, {len(wrong)} violations")
        return "\n".join(lines + [f"  VIOLATED {text}" for text in self.violations])


def check_run(data: bytes) -> Found:
    """Recompute a run from its file; a file that is none is refused."""
    document = decode(data)
    return Found(run_id(data), document, compute(document), check_run_file(data))


# Every package that states invariants adds its own here.
ALL_INVARIANTS: Sequence[Invariant] = (*INVARIANTS, *banking.INVARIANTS, *people.INVARIANTS)


@dataclass(frozen=True, slots=True)
class Examined:
    """Every invariant examined on one server, and the journal it was examined on.

    `parked` counts messages of other servers that could not be handled, or wait behind one,
    `paused` webhooks that the server does not tell any more until somebody resumes them.
    """

    code: str
    head: ledger.Head
    unchained: int
    parked: int
    paused: int
    findings: Sequence[Finding]

    @property
    def violations(self) -> list[str]:
        """Return every violation with the name of its invariant."""
        return [f"{item.invariant.name}: {text}" for item in self.findings for text in item.wrong]

    def as_json(self) -> str:
        """Return what was examined and found, by the invariant's name."""
        return json.dumps(
            {
                "server": self.code,
                "journal": {
                    "entries": self.head.entries,
                    "head": self.head.hash,
                    "before_the_chain": self.unchained,
                },
                "parked_messages": self.parked,
                "paused_webhooks": self.paused,
                "checks": {
                    item.invariant.name: {
                        "invariant": item.invariant.number,
                        "meaning": item.invariant.meaning,
                        "examined": item.examined,
                        "violations": item.wrong,
                    }
                    for item in self.findings
                },
            },
            sort_keys=True,
            indent=1,
        )

    def as_text(self) -> str:
        """Return it for a reader: a line per invariant, then what is wrong."""
        lines = [
            f"server {self.code}",
            f"journal {counted(self.head.entries, 'entry')}, head {self.head.hash}",
        ]
        if self.unchained:
            lines.append(f"  {self.unchained} of them are from before the chain")
        if self.parked:
            lines.append(f"{counted(self.parked, 'message')} of other servers parked")
        if self.paused:
            lines.append(f"{counted(self.paused, 'webhook')} paused by this server")
        lines += [""]
        for item in sorted(self.findings, key=lambda item: int(item.invariant.number[1:])):
            stated = item.invariant
            lines.append(
                f"  {stated.number:<4}{stated.name:<28}{item.examined:>9} examined"
                f"{len(item.wrong):>7} violations  {stated.meaning}"
            )
        return "\n".join(lines + [f"  VIOLATED {text}" for text in self.violations])


async def check_server(config: HubConfig | NodeConfig) -> Examined:
    """Examine every invariant on a server's live database; it may be running."""
    code = code_of(config)
    async with books_of(config) as session:
        return Examined(
            code=code,
            head=await ledger.head(session),
            unchained=await ledger_store.count_unchained(session),
            parked=sum((await inbox.waiting(session)).values()),
            paused=await webhooks.count_paused(session),
            findings=await examine_server(session, code, ALL_INVARIANTS),
        )
