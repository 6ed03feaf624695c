"""All fees on a share together, held against the band the collectives agreed (SETTLEMENT §6)."""

from fractions import Fraction
from typing import ClassVar

from federation.errors import RefusalError
from federation.values.bps import WHOLE_BPS


class FeeBandError(RefusalError):
    """The fees on a share exceed the band that was agreed; the run is refused."""

    code: ClassVar[str] = "FEE_BAND"


def effective_rate(*, clearing_bps: int, collecting_bps: int, admin_bps: int) -> Fraction:
    """Return the part of a fee that never reaches members; `admin_bps` is 0 on domestic revenue."""
    left = Fraction(WHOLE_BPS - clearing_bps - collecting_bps, WHOLE_BPS)
    return 1 - left * Fraction(WHOLE_BPS - admin_bps, WHOLE_BPS)


def check_band(rate: Fraction, band_bps: tuple[int, int], *, licence: str, node: str) -> str | None:
    """Refuse a rate above the band; return a warning for one below it."""
    lower, upper = band_bps
    hundredths = round(rate * WHOLE_BPS * 100)
    place = f"{licence} at {node}: {hundredths // 100}.{hundredths % 100:02d} bps"
    if rate * WHOLE_BPS > upper:
        raise FeeBandError(f"{place}, at most {upper}")
    return f"{place}, below {lower}" if rate * WHOLE_BPS < lower else None
