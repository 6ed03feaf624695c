"""An account to pay to, as GraphQL takes it."""

import strawberry

from federation.schema.money_choices import AccountScheme
from federation.values.account import PaymentAccount, scheme_of


@strawberry.input(description="An account: IBAN, or OTHER with the bank's BIC or clearing id.")
class AccountInput:
    """`clearingId` is system and member, as in `GBDSC/040004`."""

    account: str
    scheme: AccountScheme = AccountScheme.IBAN
    bic: str | None = None
    clearing_id: str | None = None

    def of(self, name: str) -> PaymentAccount:
        """Return the account of its owner's name (BAD_SCHEME); a bank's rules are checked later."""
        return PaymentAccount(
            name=name,
            scheme=scheme_of(self.scheme.value),
            account=self.account,
            bic=self.bic,
            country=None,
            clearing_id=self.clearing_id,
        )
