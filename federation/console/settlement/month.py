"""A month as a path: what is done, what is next, whose turn it is, until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.console.settlement.words import (
    PAYMENT_STATES,
    RUN_STATES,
    SETTLED_PAYMENTS,
    month_before,
)
from federation.values.roles import (
    MAY_APPROVE,
    MAY_FOLLOW_THE_MONTH,
    MAY_PREPARE,
    MAY_READ_BOOKS,
    Role,
)

_STATES: Final = ("OPEN", "CUT_OFF", "FORWARDED", "COMPLETE", "REPORTED")


@dataclass(frozen=True)
class Step:
    """A step of the path; `who` is whose act it is, a role or a party, `until` its end."""

    name: str
    title: str
    is_done: bool
    who: str
    until: str | None = None


def month_asked_for(asked: Asked) -> str:
    """Return the month that the address names, else the one before today's, which is settled."""
    return asked.query.get("period") or month_before(asked.today)


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for the month; for its run and payments where somebody reads the books."""
    del page
    return {"period": month_asked_for(asked), "books": asked.may(MAY_READ_BOOKS.roles)}


def at_the_hub(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the path of a month at the hub."""
    reports = data["expectedReports"]
    late = [each["dueOn"] for each in reports if each["receivedAt"] is None]
    state = data["period"]["state"]
    run = _run_of(data)
    officer = Role.SETTLEMENT_OFFICER
    steps = [
        Step("cut-off", N_("Cut off"), state != "OPEN", officer),
        Step(
            "reports",
            N_("Usage reports have come"),
            state == "REPORTED",
            "nodes",
            min(late, default=None),
        ),
        *_run_steps(run, officer),
        _payment_step(data),
    ]
    return _shown(data, asked, steps, run) | {
        "reports": reports,
        "declared": {each["node"]: each for each in data.get("missingReports") or []},
    }


def at_a_node(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the path of a month at a node."""
    reached = _STATES.index(data["period"]["state"])
    titles = (
        N_("Cut off by the hub"),
        N_("Usage of others sent on"),
        N_("Usage from elsewhere is complete"),
        N_("Usage report sent to the hub"),
    )
    run, distribution = _run_of(data), data.get("distribution")
    steps = [
        *(
            Step("", title, reached > number, "hub" if number == 0 else "server")
            for number, title in enumerate(titles)
        ),
        *_run_steps(run, "hub")[1:],
        Step("distribution", N_("Distributed among members"), distribution is not None, "server"),
        _payment_step(data),
    ]
    return _shown(data, asked, steps, run) | {"deductions": _parts(distribution)}


def _parts(distribution: Data | None) -> list[Data]:
    """Return how what the node got becomes what members get: amounts that add up to the last."""
    if distribution is None:
        return []
    received, domestic, fee = (
        int(distribution[name]["minor"]) for name in ("received", "domestic", "adminFee")
    )
    currency = distribution["received"]["currency"]
    found = (
        (N_("Received from others"), received),
        (N_("From own licences"), domestic),
        (N_("Administration fee"), -fee),
        (N_("Left after the fee"), received + domestic - fee),
    )
    return [{"label": label, "value": value, "currency": currency} for label, value in found]


def _run_of(data: Data) -> Data | None:
    """Return the run that counts: the newest that was not withdrawn, corrections aside."""
    runs = connection(data["runs"]) if "runs" in data else []
    return next(
        (each for each in runs if each["state"] != "WITHDRAWN" and not each["corrects"]), None
    )


def _run_steps(run: Data | None, officer: str) -> list[Step]:
    state, until = (run["state"], run["objectionsUntil"]) if run else (None, None)
    return [
        Step("calculate", N_("Run calculated"), run is not None, officer),
        Step(
            "advise", N_("Run shown to the nodes"), state in {"ADVISED", "APPROVED"}, officer, until
        ),
        Step(
            "approve",
            N_("Run approved by another person"),
            state == "APPROVED",
            "settlement_approver",
        ),
    ]


def _payments_of(data: Data) -> dict[str, tuple[int, bool]]:
    """Return by state how many payments a page of them holds, and whether there are more."""
    found = {state: data[state] for state in PAYMENT_STATES if state in data}
    return {
        state: (len(each["edges"]), each["pageInfo"]["hasNextPage"])
        for state, each in found.items()
        if each["edges"]
    }


def _payment_step(data: Data) -> Step:
    found = _payments_of(data)
    is_done = bool(found) and found.keys() <= SETTLED_PAYMENTS
    return Step("payments", N_("Paid"), is_done, Role.SETTLEMENT_OFFICER)


def _shown(data: Data, asked: Asked, steps: Sequence[Step], run: Data | None) -> dict[str, Any]:
    month = month_asked_for(asked)
    next_one = next((each for each in steps if not each.is_done), None)
    return {
        "month_shown": month,
        "before": _moved(month, -1),
        "after": _moved(month, 1),
        "state": data["period"]["state"],
        "steps": steps,
        "current": next_one,
        "run": run,
        "runs": connection(data["runs"]) if "runs" in data else [],
        "payments": _payments_of(data),
        "run_states": RUN_STATES,
        "payment_states": PAYMENT_STATES,
        "roles": {
            **words.ROLES,
            "nodes": N_("the nodes"),
            "hub": N_("the hub"),
            "server": N_("this server"),
        },
        "prepares": asked.may(MAY_PREPARE),
        "approves": asked.may(MAY_APPROVE),
    }


def _moved(month: str, by: int) -> str | None:
    """Return the month before or after, None beside what is no month."""
    year, _, part = month.partition("-")
    if not (year.isdigit() and part.isdigit()):
        return None
    number = int(year) * 12 + int(part) - 1 + by
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _act(name: str, done: str, file: str | None = None) -> Act:
    return Act(name, Document(f"settlement/{file or name.replace('-', '_')}.graphql"), done)


_page = partial(
    Page,
    path="/month",
    title=N_("The month"),
    group=words.SETTLEMENT,
    shown_to=MAY_FOLLOW_THE_MONTH.roles,
    template="settlement/month.html",
    variables=asks,
)
MONTH_AT_THE_HUB = _page(
    document=Document("settlement/month_hub.graphql"),
    view=at_the_hub,
    at=frozenset({"hub"}),
    acts=(
        _act("cut-off", N_("Cut off: nodes send on what is not theirs, and report.")),
        _act("remind", N_("Reminded.")),
        _act("declare-missing", N_("Declared missing: another person confirms it.")),
        _act("confirm-missing", N_("Confirmed: the month goes on without this report.")),
        _act("calculate-run", N_("Calculated.")),
        _act("exclude-debtor", N_("Proposed that it leaves the net: another person confirms it.")),
        _act("confirm-exclusion", N_("Confirmed: the net is computed without it, and told.")),
    ),
)
MONTH_AT_A_NODE = _page(
    document=Document("settlement/month_node.graphql"),
    view=at_a_node,
    at=frozenset({"node"}),
    acts=(
        _act(
            "propose-member-payments",
            N_("Members' payments are proposed: another person approves them."),
        ),
    ),
)
