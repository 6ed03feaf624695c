"""What everybody may read without signing in: prices, who belongs, how to buy, join and opt out."""

from collections.abc import Sequence
from typing import Final

from federation.console.page import Page
from federation.console.public.calculator import CALCULATOR_PAGE
from federation.console.public.how import HOW_PAGE
from federation.console.public.lookup import LOOKUP_PAGE
from federation.console.public.tariff import TARIFF_PAGE

PUBLIC: Final[Sequence[Page]] = (TARIFF_PAGE, CALCULATOR_PAGE, LOOKUP_PAGE, HOW_PAGE)
