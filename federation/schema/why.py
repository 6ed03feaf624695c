"""Why an amount is what it is, in GraphQL: steps that add up to it."""

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.proof import why
from federation.proof.questions import Question, explain
from federation.schema.context import Info
from federation.schema.ids import month_if_any
from federation.schema.scalars import Money
from federation.values.licence_key import LicenceKey
from federation.values.roles import MAY_ASK_WHY


@strawberry.type(description="A reference of a step: a run, a weight, a rate with its date.")
class WhyRef:
    """A figure or document a step rests on: its name and its value."""

    name: str
    value: str


@strawberry.type(description="One step of a reason; steps below it (`0.1` below `0`) add up to it.")
class WhyStep:
    """A step with its place in the tree; leaves add up to the first step."""

    path: str
    is_leaf: bool
    label: str
    amount: Money
    rule: str
    refs: list[WhyRef]

    @classmethod
    def of(cls, path: str, step: why.Step) -> "WhyStep":
        """Show a step at its place in the tree."""
        return cls(
            path=path,
            is_leaf=not step.steps,
            label=step.label,
            amount=Money.of(step.amount, step.currency),
            rule=step.rule,
            refs=[WhyRef(name=name, value=value) for name, value in step.refs.items() if value],
        )


@strawberry.type
class WhyQuery:
    """Why an amount is what it is: on every server."""

    @strawberry.field(
        description=(
            "Why an amount is what it is: of a document (number), a payment, a member's month "
            "(period, member) or a share (period, licence, party)."
        ),
        directives=[Cost(weight=10)],
    )
    async def why_amount(
        self,
        info: Info,
        number: str | None = None,
        payment: str | None = None,
        period: str | None = None,
        member: str | None = None,
        licence: str | None = None,
        party: str | None = None,
    ) -> list[WhyStep]:
        """Explain an amount, parents before children; who may read it may ask why."""
        who, server = info.context.require(*MAY_ASK_WHY.roles), info.context.server
        key = None if licence is None else LicenceKey(licence)
        question = Question(number, payment, month_if_any(period), member, key, party)
        async with server.db.read() as session:
            step = await explain(session, server.code, question, who, server.clock().date())
        return [WhyStep.of(path, found) for path, found in step.walk()]
