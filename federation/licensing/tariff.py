"""The published tariff: a price per 1,000 units by use and content tier, the same for everybody."""

from collections.abc import Collection, Sequence

import msgspec

from federation.money import Money

NO_COLLECTIVE = "no collective of this code is admitted"
NO_PRICE = "the tariff has no price for this use and content tier"


class TariffBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices in minor units of `currency` per 1,000 units: `{use: {tier: price}}`."""

    currency: str
    per_1000: dict[str, dict[str, int]]
    minimum_fee: int  # for each twelve months that a licence's term has begun
    valid_days: int = 30  # how long a quote stands

    def price_of(self, use: str, content_tier: str) -> Money | None:
        """Return the price of 1,000 units, None where the tariff has none."""
        minor = self.per_1000.get(use, {}).get(content_tier)
        return None if minor is None else Money(minor, self.currency)


def read_tariff(body: str) -> TariffBody:
    """Read the prices of a published version from its JSON."""
    return msgspec.json.decode(body, type=TariffBody)


class Expected(msgspec.Struct, frozen=True):
    """Usage a buyer expects: units of one use, of one node's works on one content tier."""

    node: str
    use: str
    content_tier: str
    units: int


class PricedLine(msgspec.Struct, frozen=True):
    """One line of a quote; `node` and `content_tier` are None on the top-up to the minimum."""

    node: str | None
    use: str
    content_tier: str | None
    units: str
    per_1000: str
    amount: str


class NotCovered(msgspec.Struct, frozen=True):
    """What was asked for and cannot be licensed, and why."""

    node: str
    use: str
    content_tier: str
    reason: str


class QuoteLines(msgspec.Struct, frozen=True):
    """A quote line by line; `total` is the sum of its lines."""

    lines: list[PricedLine]
    not_covered: list[NotCovered]
    total: str


def line_amount(units: int, per_1000: int) -> int:
    """Return the price of some units, rounded half to even to the minor unit."""
    whole, rest = divmod(units * per_1000, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1))  # noqa: PLR2004 - half of 1000


def price(
    tariff: TariffBody, expected: Sequence[Expected], *, nodes: Collection[str], years: int = 1
) -> QuoteLines:
    """Price expected usage line by line; what has no price or no collective is not covered.

    The minimum fee is due for each of the `years` that the term has begun.
    """
    lines, missing = [], []
    for item in expected:
        unit_price = tariff.price_of(item.use, item.content_tier)
        if unit_price is None or item.node not in nodes:
            reason = NO_COLLECTIVE if item.node not in nodes else NO_PRICE
            missing.append(NotCovered(item.node, item.use, item.content_tier, reason))
            continue
        lines.append(
            PricedLine(
                node=item.node,
                use=item.use,
                content_tier=item.content_tier,
                units=str(item.units),
                per_1000=str(unit_price.minor),
                amount=str(line_amount(item.units, unit_price.minor)),
            )
        )
    total = sum(int(line.amount) for line in lines)
    minimum = tariff.minimum_fee * years
    if lines and total < minimum:
        lines.append(_top_up(lines[0].use, minimum - total))
        total = minimum
    return QuoteLines(lines=lines, not_covered=missing, total=str(total))


def _top_up(use: str, amount: int) -> PricedLine:
    return PricedLine(
        node=None, use=use, content_tier=None, units="0", per_1000="0", amount=str(amount)
    )
