"""Asks the servers for the figures: their reports and files, and each member's own statement."""

import json
from typing import Any

from federation.demo import documents as ask
from federation.demo.report import (
    HELD_BY_NODE,
    CollectivePart,
    EarnedLine,
    FeePart,
    LicencePaid,
    MemberEarned,
    Report,
    balances,
    plan_text,
)
from federation.demo.servers import member_of
from federation.demo.stage import Stage
from federation.scenario import outputs
from federation.scenario.runner import InvariantError
from federation.values.roles import Role


async def collect(stage: Stage) -> tuple[Report, dict[str, bytes]]:
    """Return the report of the month and every file of it, as the servers give them."""
    period = stage.script.period
    files, part = await outputs.collect(stage.story, period)
    if part["violations"]:
        raise InvariantError("; ".join(part["violations"][:5]))
    found = part["report"]
    statements = {
        code: json.loads(files[f"statements/{code}-{period}.json"])
        for code in stage.federation.nodes
    }
    licences = [_licence(stage, name, item, statements) for name, item in found["licences"].items()]
    collectives = [
        await _collective(stage, code, found["nodes"][code], statements[code])
        for code in stage.federation.nodes
    ]
    report = Report(
        period=period,
        run_id=found["run_id"],
        licences=licences,
        collectives=collectives,
        balances=balances(licences, collectives),
        usage=found["usage"],
        checks=found["checks"],
    )
    files["journal.beancount"] = await outputs.journal(stage.story)
    files["report.json"] = outputs.report_bytes({period: found})
    return report, files


def _licence(
    stage: Stage, name: str, found: dict[str, Any], statements: dict[str, Any]
) -> LicencePaid:
    item, receipt = stage.script.licences[name], stage.receipts[found["number"]]
    received = int(receipt["amount"]["minor"])
    return LicencePaid(
        number=found["number"],
        licensee=stage.script.labs[item.licensee],
        licensor=item.issuer,
        currency=item.currency,
        received_on=receipt["receivedOn"],
        received=received,
        later_months=received - found["recognised"],
        clearing_fee=found["clearing_fee"],
        collecting_fee=found["collecting_fee"],
        carried_forward=found["carried_forward"],
        portions=[
            _portion(found["number"], party, share, statements.get(party))
            for party, share in found["shares"].items()
        ],
    )


def _portion(number: str, party: str, share: int, statement: dict[str, Any] | None) -> FeePart:
    """Return a share, with what its node's statement made of it in its own currency."""
    if statement is None:
        return FeePart(party, share)
    lines = [
        line
        for line in statement["lines"]
        if (line["licence"], line["creditor"], line["admin_fee"]) == (number, party, "0")
    ]
    settled = sum(int(line["net_settlement"]) for line in lines)
    currency = statement["settlement_currency"]
    return FeePart(party, share, lines[0]["rate"] if lines else "", settled, currency)


async def _collective(
    stage: Stage, code: str, found: dict[str, Any], statement: dict[str, Any]
) -> CollectivePart:
    particulars = stage.script.particulars[code]
    return CollectivePart(
        code=code,
        name=particulars["name"],
        currency=particulars["settlement_currency"],
        plan=plan_text(particulars),
        received=found["received"],
        domestic=found["domestic"],
        admin_fee=found["admin_fee"],
        held={name: found["outstanding"].get(name, 0) for name in HELD_BY_NODE},
        members=[
            await _member(stage, code, member, name)
            for member, name in stage.script.members[code].items()
        ],
        remittance=found["remittance"],
        fx_rounding=int(statement["account"]["fx_rounding"]),
    )


async def _member(stage: Stage, code: str, member: str, name: str) -> MemberEarned:
    """Ask as the member itself: its statement, whose lines of one origin are put together."""
    person = stage.federation.nodes[code].person(member_of(member), Role.MEMBER)
    found = await person.ask(ask.STATEMENT, period=stage.script.period)
    lines: dict[tuple[str, str, str], EarnedLine] = {}
    for item in found["lines"]:
        key = (item["licence"] or "", item["use"] or "", item["source"])
        fresh = EarnedLine(item["licence"], item["use"], 0, item["source"], 0)
        line = lines.setdefault(key, fresh)
        line.units += int(item["units"])
        line.amount += int(item["amount"]["minor"])
    return MemberEarned(
        member_id=member,
        name=name,
        attributed=int(found["attributed"]["minor"]),
        payable=int(found["payable"]["minor"]),
        outstanding=int(found["outstanding"]["minor"]),
        reason=found["reason"],
        lines=list(lines.values()),
    )
