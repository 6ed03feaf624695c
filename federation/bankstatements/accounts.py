"""Accounts of this server at banks: how their numbers are written and checked. Pure."""

from typing import ClassVar

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from federation.errors import RefusalError

OTHER_LENGTH_MAX = 34
NAME_LENGTH_MAX = 140


class BadBankAccountError(RefusalError):
    """This is no bank account."""

    code: ClassVar[str] = "BAD_BANK_ACCOUNT"


def account_number(written: str, scheme: str) -> str:
    """Return an account as it is compared: without spaces, an IBAN with good check digits."""
    if scheme == "IBAN":
        try:
            return IBAN(written).compact
        except SchwiftyException as error:
            raise BadBankAccountError(f"{written[:40]!r}: {error}") from error
    if scheme != "OTHER":
        raise BadBankAccountError(f"scheme {scheme[:20]!r}: IBAN or OTHER")
    number = "".join(written.split())
    if not (1 <= len(number) <= OTHER_LENGTH_MAX and number.isprintable()):
        raise BadBankAccountError(f"{written[:40]!r}")
    return number


def account_name(written: str) -> str:
    """Return the name people give an account, 1 to 140 characters, or refuse it."""
    name = " ".join(written.split())
    if not (1 <= len(name) <= NAME_LENGTH_MAX and name.isprintable()):
        raise BadBankAccountError(f"a name has 1 to {NAME_LENGTH_MAX} characters")
    return name
