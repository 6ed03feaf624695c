"""A scenario directory walked in memory, through the pure rules only: the oracle of the servers.

It reads what SCENARIO.md describes and returns what `report.json` says, less what needs a server.
"""

import csv
import gzip
import io
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from federation.addresses.urls import (
    MalformedUrlError,
    UrlKey,
    normalise_canonical,
    normalise_claim,
    normalise_subject,
    normalise_url,
)
from federation.claimindex.entitlement import HeldClaim, Membership, entitled, works_on
from federation.claimindex.index import ClaimIndex, IndexedClaim, IndexedRuling
from federation.licensing.facts import Component, LicenceFacts
from federation.metering import verdicts
from federation.metering.verdicts import Placement, Terms, place, term_class
from federation.settlement import run_document as rd
from federation.settlement.computed import computed_with
from federation.settlement.plans import (
    Distribution,
    MemberFacts,
    NodeInputs,
    NodeTerms,
    distribute,
)
from federation.settlement.rates import Rates, reference_rates
from federation.settlement.run import (
    RunResult,
    choose_weights,
    compute,
    received_by,
)
from federation.values import party as values_party
from federation.values.month import last_day, month_of
from federation.values.plan import Tier
from tests.opt_outs import an_opt_out

Weights = dict[str, dict[str, int]]


def rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, gzipped or not; a file that is not there has none."""
    path = folder / name
    zipped = folder / f"{name}.gz"
    if path.exists():
        data = path.read_bytes()
    elif zipped.exists():
        data = gzip.decompress(zipped.read_bytes())
    else:
        return
    yield from csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))


@dataclass
class Member:
    membership: Membership
    claims: list[HeldClaim] = field(default_factory=list)


@dataclass
class Usage:
    """What the lines of one period come to."""

    weights: Weights
    members: dict[str, Weights]  # {node: {licence key: {member: weight}}}
    classes: dict[str, list[int]]


@dataclass
class Step:
    """One period on its way: its usage, the weights chosen for it and what they led to."""

    period: str
    usage: Usage
    chosen: dict[str, tuple[dict[str, int], str]]
    result: RunResult
    rates: Rates
    data: bytes


class Scenario:
    """A scenario's files as the rules' own values."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.toml = tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))
        self.hub = self.toml["hub"]
        self.collectives = {c["code"]: c for c in self.toml["collective"]}
        self.terms = Terms(self.toml["terms"]["tier_weight"], self.toml["terms"]["use_weight"])
        self.periods: list[str] = self.toml["periods"]
        self.members: dict[tuple[str, str], Member] = {}
        self.owner_bps: dict[str, int] = {}
        self._read_members()
        self.claims = list(self._read_claims())
        self.reservations = list(self._read_optouts())
        self.licences = self._read_licences()  # by the scenario's name
        self.receipts = self._read_receipts()
        self.rate_rows = [
            (date.fromisoformat(r["date"]), r["currency"], r["rate"])
            for r in rows(folder, self.toml["rates"])
        ]

    def _read_members(self) -> None:
        for row in rows(self.folder, "members.csv"):
            joined = date.fromisoformat(row["joined_on"])
            member = Member(Membership(row["member_id"], joined))
            self.members[row["collective"], row["member_id"]] = member

    def _read_claims(self) -> Iterator[IndexedClaim]:
        for number, row in enumerate(rows(self.folder, "works.csv")):
            member = self.members[row["collective"], row["member_id"]]
            valid_from, valid_to = (
                date.fromisoformat(row[name]) if row.get(name) else None
                for name in ("valid_from", "valid_to")
            )
            start = max(member.membership.joined_on, valid_from or date.min)
            member.claims.append(HeldClaim(start, valid_to, int(row.get("works") or 1)))
            canonical = normalise_canonical(row["canonical"]) if row.get("canonical") else None
            if canonical is not None:
                self.owner_bps[str(number)] = int(row["owner_bps"])
            yield IndexedClaim(
                node=row["collective"],
                claim_id=str(number),
                holder_id=row["member_id"],
                key=normalise_claim(row["claim"]),
                counts_from=start,
                counts_to=valid_to,
                content_tier=row["content_tier"],
                canonical=canonical,
            )

    def _read_optouts(self) -> Iterator[IndexedRuling]:
        for row in rows(self.folder, "optouts.csv"):
            holder = row["subject"].removeprefix("member:")
            named = holder != row["subject"]
            yield an_opt_out(
                node=row["collective"],
                use=row["use"],
                effective_at=datetime.fromisoformat(row["effective_at"]),
                subject=None if named else normalise_subject(row["subject"]),
                holder_id=holder if named else None,
            )

    def _read_licences(self) -> dict[str, LicenceFacts]:
        counts: defaultdict[str, int] = defaultdict(int)
        licences: dict[str, LicenceFacts] = {}
        for entry in sorted(self.toml.get("licence", ()), key=lambda e: e["id"].encode()):
            counts[entry["issuer"]] += 1
            number = f"{entry['issuer']}-{counts[entry['issuer']]:06d}"
            licences[entry["id"]] = _licence(entry, number)
        return licences

    def _read_receipts(self) -> dict[str, list[tuple[date, int]]]:
        receipts: defaultdict[str, list[tuple[date, int]]] = defaultdict(list)
        for row in rows(self.folder, "receipts.csv"):
            day = date.fromisoformat(row["received_on"])
            receipts[row["licence"]].append((day, int(row["amount"])))
        if not (self.folder / "receipts.csv").exists():
            for name, licence in self.licences.items():
                fee = sum(component.fee for component in licence.components)
                receipts[name].append((licence.starts_on, fee))
        return receipts


def _licence(entry: dict[str, Any], number: str) -> LicenceFacts:
    components = tuple(
        Component(c["id"], frozenset(c["uses"]), c["unit"], c["fee"])
        for c in entry.get("component", ())
    )
    if not components:
        components = (Component(None, frozenset(entry["uses"]), "", entry["fee"]),)
    return LicenceFacts(
        number=number,
        licensor=entry["issuer"],
        licensee=entry["licensee"],
        currency=entry["currency"],
        starts_on=entry["starts_on"],
        ends_on=entry["ends_on"],
        revoked_at=None,
        usage_basis=entry["usage_basis"],
        unclaimed=entry.get("unclaimed", "exclude"),
        components=components,
    )


class Walk:
    """The periods of a scenario, one after the other."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.index = ClaimIndex(scenario.claims, scenario.reservations)
        self.accepted: dict[tuple[str, str], tuple[object, ...]] = {}
        self.recognised: defaultdict[str, int] = defaultdict(int)
        self.carried: dict[str, int] = {}
        self.earlier: Weights = {}
        self.earlier_members: dict[str, Weights] = {}

    def settle(self, period: str) -> dict[str, Any]:
        usage = self._meter(period)
        chosen = {key: self._chosen(key, usage) for key in self._keys()}
        rates = reference_rates(
            self.scenario.rate_rows, self.scenario.hub["clearing_currency"], period
        )
        document = computed_with(self._document(period, usage, chosen), rates).document
        data = rd.encode(document)
        result = compute(rd.decode(data))
        report = self._report(Step(period, usage, chosen, result, rates, data))
        self._close(usage, result)
        return report

    def _keys(self) -> list[str]:
        licences = self.scenario.licences.values()
        return [licence.key(component) for licence in licences for component in licence.components]

    def _meter(self, period: str) -> Usage:
        usage = Usage({}, {}, {})
        for row in rows(self.scenario.folder, "usage.csv"):
            at = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC)
            if month_of(at.date()) == period:
                cls = self._class(row, at, usage)
                count = usage.classes.setdefault(cls, [0, 0])
                count[0] += 1
                count[1] += max(0, int(row["units"]))
        return usage

    def _class(self, row: dict[str, str], at: datetime, usage: Usage) -> str:
        """Decide classes 1 and 2, which a server keeps lines for, then leave it to the rules."""
        use, units = row["use"], int(row["units"])
        key = _readable(row["url"])
        if key is None or units < 1 or use not in self.scenario.terms.use_weight:
            return verdicts.MALFORMED
        licence = self.scenario.licences.get(row["licence"])
        if licence is None:
            return verdicts.UNKNOWN_LICENCE
        reporter = licence.licensee if row["source"] == "lab" else self._site_node(key)
        content = (row["licence"], row["url"], use, units, at)
        known = self.accepted.setdefault((reporter, row["event_id"]), content)
        if known is not content:
            return verdicts.DUPLICATE if known == content else verdicts.CONFLICT
        cls = term_class(licence, use, at, row["source"])
        if cls is not None:
            return cls
        placement = self._place(key, use, units, at, licence)
        component = licence.component_for(use)
        assert component is not None
        _weigh(usage, licence.key(component), placement)
        return placement.cls

    def _site_node(self, key: UrlKey) -> str:
        hosts = {c.node for c in self.scenario.claims if c.key.host == key.host}
        return "node:" + min(hosts, default=next(iter(self.scenario.collectives)))

    def _place(
        self, key: UrlKey, use: str, units: int, at: datetime, licence: LicenceFacts
    ) -> Placement:
        return place(
            self.index.look_up(key, at),
            use,
            units,
            unclaimed=licence.unclaimed,
            index=self.index,
            owner_bps=self.scenario.owner_bps.__getitem__,
            terms=self.scenario.terms,
        )

    def _chosen(self, key: str, usage: Usage) -> tuple[dict[str, int], str]:
        weights, source = choose_weights(usage.weights.get(key, {}), self.earlier.get(key, {}))
        return dict(weights), source

    def _document(
        self, period: str, usage: Usage, chosen: dict[str, tuple[dict[str, int], str]]
    ) -> rd.RunDocument:
        scenario = self.scenario
        by_number = {licence.number: name for name, licence in scenario.licences.items()}
        return rd.RunDocument(
            format=1,
            period=period,
            first_period=scenario.periods[0],
            hub=_hub_terms(scenario.hub),
            weights=rd.WeightsInRun(
                {k: str(v) for k, v in scenario.terms.tier_weight.items()},
                {k: str(v) for k, v in scenario.terms.use_weight.items()},
            ),
            collectives={code: _collective(c) for code, c in scenario.collectives.items()},
            licences={n: self._licence_terms(by_number[n], period, chosen) for n in by_number},
            rates={},
            shares_by=[
                (key, party, str(weight))
                for key, (weights, _) in chosen.items()
                for party, weight in weights.items()
            ],
            classes={cls: (lines, str(units)) for cls, (lines, units) in usage.classes.items()},
            reports={code: rd.run_id(code.encode()) for code in scenario.collectives},
        )

    def _licence_terms(
        self, name: str, period: str, chosen: dict[str, tuple[dict[str, int], str]]
    ) -> rd.LicenceInRun:
        licence = self.scenario.licences[name]
        until = last_day(period)
        received = sum(a for day, a in self.scenario.receipts.get(name, ()) if day <= until)
        keys = [licence.key(component) for component in licence.components]
        return rd.LicenceInRun(
            licensor=licence.licensor,
            licensee=licence.licensee,
            currency=licence.currency,
            starts_on=licence.starts_on.isoformat(),
            ends_on=licence.ends_on.isoformat(),
            unclaimed=licence.unclaimed,
            usage_basis=licence.usage_basis,
            components=[
                rd.ComponentInRun(c.id, sorted(c.uses), c.unit, str(c.fee))
                for c in licence.components
            ],
            received=str(received),
            recognised_before={k: str(self.recognised[k]) for k in keys},
            brought_forward={k: str(self.carried.get(k, 0)) for k in keys},
            weights_from={k: chosen[k][1] for k in keys},
        )

    def _report(self, step: Step) -> dict[str, Any]:
        names = {
            licence.key(c): name if c.id is None else f"{name}/{c.id}"
            for name, licence in self.scenario.licences.items()
            for c in licence.components
        }
        hub = step.result.positions[values_party.HUB]
        return {
            "data": step.data,
            "warnings": step.result.warnings,
            "hub": {"receivable": hub.receivable, "payable": hub.payable, "net": hub.net},
            "licences": {name: _licence_report(step.result, key) for key, name in names.items()},
            "nodes": {code: self._node_report(code, step) for code in self.scenario.collectives},
            "usage": step.usage.classes,
        }

    def _node_report(self, code: str, step: Step) -> dict[str, Any]:
        given = self._distribution(code, step)
        assert not any(violations for _, violations in given.checks.values())
        income, position = step.result.income[code], step.result.positions[code]
        assert (income.received, income.domestic) == (given.received, given.domestic)
        return {
            "receivable": position.receivable,
            "payable": position.payable,
            "net": position.net,
            "remittance": step.result.remittances[code],
            "received": given.received,
            "domestic": given.domestic,
            "admin_fee": given.admin_fee,
            "members": given.attributed,
            "outstanding_split": given.outstanding,
        }

    def _distribution(self, code: str, step: Step) -> Distribution:
        received, domestic = received_by(step.result.licences, code)
        sources = {
            "period": step.usage.members.get(code, {}),
            "earlier": self.earlier_members.get(code, {}),
            "none": {},
        }
        inputs = NodeInputs(
            node=_node_terms(self.scenario.collectives[code]),
            period=step.period,
            received=received,
            domestic=domestic,
            member_weights={
                k: sources[source].get(k, {}) for k, (_, source) in step.chosen.items()
            },
            members=list(self._member_facts(code, last_day(step.period))),
            rates=step.rates,
        )
        return distribute(inputs)

    def _member_facts(self, code: str, day: date) -> Iterator[MemberFacts]:
        optouts = [r for r in self.scenario.reservations if r.node == code]
        for (node, holder), member in self.scenario.members.items():
            if node == code:
                is_entitled = entitled(member.membership, member.claims, optouts, day)
                yield MemberFacts(holder, is_entitled, works_on(member.claims, day))

    def _close(self, usage: Usage, result: RunResult) -> None:
        for key, licence in result.licences.items():
            self.recognised[key] += licence.revenue.recognised
            self.carried[key] = licence.carried_forward
        _add(self.earlier, usage.weights)
        for node, weights in usage.members.items():
            _add(self.earlier_members.setdefault(node, {}), weights)


def _readable(url: str) -> UrlKey | None:
    try:
        return normalise_url(url)
    except MalformedUrlError:
        return None


def _weigh(usage: Usage, key: str, placement: Placement) -> None:
    for portion in placement.portions:
        _add(usage.weights, {key: {portion.party: portion.weight}})
        if portion.member is not None:
            members = usage.members.setdefault(portion.party, {})
            _add(members, {key: {portion.member: portion.weight}})


def _add(sums: Weights, more: Weights) -> None:
    for key, weights in more.items():
        totals = sums.setdefault(key, {})
        for party, weight in weights.items():
            totals[party] = totals.get(party, 0) + weight


def _hub_terms(hub: dict[str, Any]) -> rd.HubInRun:
    return rd.HubInRun(
        clearing_currency=hub["clearing_currency"],
        fee_bps=hub["fee_bps"],
        national_fee_bps=hub.get("national_fee_bps", hub["fee_bps"]),
        fee_band_bps=tuple(hub["fee_band_bps"]),
    )


def _collective(entry: dict[str, Any]) -> rd.CollectiveInRun:
    tiers = entry.get("tiers")
    return rd.CollectiveInRun(
        country=entry["country"],
        settlement_currency=entry["settlement_currency"],
        admin_fee_bps=entry["admin_fee_bps"],
        collecting_fee_bps=entry["collecting_fee_bps"],
        minimum_payment=str(entry["minimum_payment"]),
        plan=entry["plan"],
        base_bps=entry.get("base_bps"),
        tiers=None if tiers is None else {k: Tier(**v) for k, v in tiers.items()},
    )


def _node_terms(entry: dict[str, Any]) -> NodeTerms:
    return NodeTerms(
        code=entry["code"],
        settlement_currency=entry["settlement_currency"],
        admin_fee_bps=entry["admin_fee_bps"],
        plan=entry["plan"],
        base_bps=entry.get("base_bps", 0),
        tiers={name: Tier(**tier) for name, tier in entry.get("tiers", {}).items()},
    )


def _licence_report(result: RunResult, key: str) -> dict[str, Any]:
    licence, revenue = result.licences[key], result.licences[key].revenue
    return {
        "allocated": revenue.allocated,
        "recognised": revenue.recognised,
        "clearing_fee": revenue.clearing_fee,
        "collecting_fee": revenue.collecting_fee,
        "brought_forward": revenue.brought_forward,
        "distributable": revenue.distributable,
        "shares": licence.shares,
        "carried_forward": licence.carried_forward,
    }


def walk(folder: Path) -> dict[str, dict[str, Any]]:
    """Return {period: report} of a scenario directory; `data` is the run file."""
    scenario = Scenario(folder)
    steps = Walk(scenario)
    return {period: steps.settle(period) for period in scenario.periods}
