"""A node's schema, the same for every collective."""

import strawberry

from federation.schema.banking import BankingMutation, BankingQuery
from federation.schema.closing import AnswerMutation, WorkListQuery
from federation.schema.distribution import DistributionQuery, UsesQuery
from federation.schema.documents import DocumentMutation, DocumentQuery
from federation.schema.guards import extensions
from federation.schema.joining import ApplicationMutation, MembershipQuery, OwnApplicationQuery
from federation.schema.ledger import LedgerQuery
from federation.schema.licensing import LicensingMutation, LicensingQuery
from federation.schema.messages import ParkedMutation, ParkedQuery
from federation.schema.payments import MemberPaymentMutation, PaymentMutation, PaymentQuery
from federation.schema.registry import NodeRightsQuery
from federation.schema.scalars import schema_config
from federation.schema.settlement import SettlementQuery
from federation.schema.suspense import HeldClaimMutation, HeldListQuery, SuspenseQuery
from federation.schema.tokens import TokenMutation


@strawberry.type
class Query(
    MembershipQuery,
    NodeRightsQuery,
    LicensingQuery,
    SettlementQuery,
    LedgerQuery,
    DistributionQuery,
    PaymentQuery,
    UsesQuery,
    DocumentQuery,
    SuspenseQuery,
    HeldListQuery,
    WorkListQuery,
    BankingQuery,
    OwnApplicationQuery,
    ParkedQuery,
):
    """What a node answers."""


@strawberry.type
class Mutation(
    ApplicationMutation,
    LicensingMutation,
    TokenMutation,
    AnswerMutation,
    PaymentMutation,
    MemberPaymentMutation,
    DocumentMutation,
    HeldClaimMutation,
    BankingMutation,
    ParkedMutation,
):
    """What a node does."""


schema = strawberry.Schema(
    query=Query, mutation=Mutation, config=schema_config(), extensions=extensions()
)
