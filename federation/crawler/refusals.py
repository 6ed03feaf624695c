"""Why a crawler has no token, as a lab can act upon it."""

from typing import ClassVar, Final

from federation.errors import LaterError, RefusalError

_DETAIL_MAX: Final = 300  # of a text that a server chose


class NotMintedError(LaterError):
    """The server minted no token.

    `said` is the server's own code, as UNKNOWN_LICENCE or OUTSIDE_LICENCE; empty where it had none.
    """

    code: ClassVar[str] = "NOT_MINTED"

    def __init__(self, detail: str, *, said: str = "", retry_after: int = 0) -> None:
        self.said = said
        plain = "".join(letter if letter.isprintable() else " " for letter in detail[:_DETAIL_MAX])
        super().__init__(plain, retry_after=retry_after)


class LicenceUnusableError(RefusalError):
    """The licence opens nothing now."""

    code: ClassVar[str] = "LICENCE_UNUSABLE"


class LicenceSuspendedError(LicenceUnusableError):
    """The licence is suspended until its licensor reinstates it."""


class LicenceRevokedError(LicenceUnusableError):
    """The licence is revoked, for good."""


class LicenceOverError(LicenceUnusableError):
    """The licence's term is over."""


class LicenceNotBegunError(LicenceUnusableError):
    """The licence's term has not begun."""


class NoSuchSiteError(RefusalError):
    """The crawler was given no site with this address."""

    code: ClassVar[str] = "NO_SUCH_SITE"
