"""The hub's schema: the counter and clearing house."""

import strawberry

from federation.schema.banking import BankingMutation, BankingQuery
from federation.schema.closing import ClosingMutation, ClosingQuery, WorkListQuery
from federation.schema.corrections import CorrectionMutation, CorrectionQuery
from federation.schema.distribution import UsesQuery
from federation.schema.documents import DocumentMutation, DocumentQuery
from federation.schema.guards import extensions
from federation.schema.joining import AdmissionMutation, AdmissionQuery, MembershipQuery
from federation.schema.ledger import LedgerQuery
from federation.schema.licensing import (
    LicensingMutation,
    LicensingQuery,
    QuoteMutation,
    TariffQuery,
)
from federation.schema.messages import ParkedMutation, ParkedQuery
from federation.schema.payments import ExclusionMutation, PaymentMutation, PaymentQuery
from federation.schema.registry import HubRightsQuery
from federation.schema.scalars import schema_config
from federation.schema.settlement import RunMutation, SettlementQuery
from federation.schema.suspense import HeldDecisionMutation, SuspenseQuery
from federation.schema.tokens import TokenMutation


@strawberry.type
class Query(
    MembershipQuery,
    AdmissionQuery,
    HubRightsQuery,
    TariffQuery,
    LicensingQuery,
    SettlementQuery,
    LedgerQuery,
    PaymentQuery,
    UsesQuery,
    DocumentQuery,
    SuspenseQuery,
    ClosingQuery,
    CorrectionQuery,
    WorkListQuery,
    BankingQuery,
    ParkedQuery,
):
    """What the hub answers."""


@strawberry.type
class Mutation(
    AdmissionMutation,
    QuoteMutation,
    LicensingMutation,
    TokenMutation,
    RunMutation,
    ClosingMutation,
    CorrectionMutation,
    PaymentMutation,
    ExclusionMutation,
    DocumentMutation,
    HeldDecisionMutation,
    BankingMutation,
    ParkedMutation,
):
    """What the hub does."""


schema = strawberry.Schema(
    query=Query, mutation=Mutation, config=schema_config(), extensions=extensions()
)
