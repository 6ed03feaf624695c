"""The hub's schema: the counter and clearing house."""

import strawberry

from federation.schema.audit_log import AuditLogQuery
from federation.schema.bank_care import BankCareMutation, BankCareQuery
from federation.schema.bank_expected import BankExpectedQuery
from federation.schema.banking import BankingMutation, BankingQuery
from federation.schema.billing import BillingMutation, BillingQuery
from federation.schema.clients import ClientMutation, ClientQuery
from federation.schema.conversions import ConversionMutation
from federation.schema.corrections import CorrectionMutation, CorrectionQuery
from federation.schema.coverage import CoverageQuery
from federation.schema.deliveries import DeliveryMutation, DeliveryQuery
from federation.schema.described import described
from federation.schema.dispute_acts import DisputeMutation
from federation.schema.disputes import DisputeQuery
from federation.schema.documents import DocumentMutation, DocumentQuery
from federation.schema.exclusions import ExclusionMutation
from federation.schema.federated import FederatedQuery
from federation.schema.federated_work import FederatedWorkQuery
from federation.schema.guards import Schema, extensions
from federation.schema.held_claims import HeldClaimQuery, HeldDecisionMutation
from federation.schema.hub_entities import HubEntityQuery
from federation.schema.invoices import InvoiceQuery
from federation.schema.joining import AdmissionMutation, AdmissionQuery, MembershipQuery
from federation.schema.ledger import LedgerQuery
from federation.schema.licence_usage import LicenceUsageQuery
from federation.schema.licences import LicenceMutation, LicenceQuery, LicenseeMutation
from federation.schema.month_invariants import MonthInvariantQuery
from federation.schema.nodes import NodeMutation, NodeQuery
from federation.schema.objections import ObjectionMutation, RunAnswerQuery
from federation.schema.offers import EstimateQuery, OfferMutation, OfferQuery, QuoteMutation
from federation.schema.officer_limits import OfficerLimitMutation, OfficerLimitQuery
from federation.schema.overpayments import OverpaymentMutation, OverpaymentQuery
from federation.schema.own_keys import OwnKeyMutation, OwnKeyQuery
from federation.schema.parked import ParkedMutation, ParkedQuery
from federation.schema.payments import PaymentMutation, PaymentQuery
from federation.schema.people import PeopleMutation, PeopleQuery
from federation.schema.reports import ReportMutation, ReportQuery
from federation.schema.rights import HubRightsQuery
from federation.schema.rights_statements import HubRightsStatementQuery
from federation.schema.run_diffs import RunDiffQuery
from federation.schema.run_netting import RunNettingQuery
from federation.schema.scalars import schema_config
from federation.schema.search import SearchQuery
from federation.schema.settlement import RunMutation, SettlementQuery
from federation.schema.sign_in import OwnAccountMutation, SignInMutation, SignInQuery
from federation.schema.splicing import Splicing
from federation.schema.suspense import HeldElsewhereQuery, SuspenseQuery
from federation.schema.tariffs import TariffMutation, TariffQuery
from federation.schema.tokens import TokenMutation
from federation.schema.uses import UsesQuery
from federation.schema.webhooks import WebhookMutation, WebhookQuery
from federation.schema.why import WhyQuery
from federation.schema.work_list import WorkListQuery


@strawberry.type(description="What one may ask the hub.")
class Query(
    HubEntityQuery,
    MembershipQuery,
    AdmissionQuery,
    NodeQuery,
    HubRightsQuery,
    HubRightsStatementQuery,
    FederatedQuery,
    FederatedWorkQuery,
    TariffQuery,
    EstimateQuery,
    LicenceQuery,
    BillingQuery,
    InvoiceQuery,
    CoverageQuery,
    LicenceUsageQuery,
    OfferQuery,
    SettlementQuery,
    LedgerQuery,
    PaymentQuery,
    UsesQuery,
    DocumentQuery,
    WhyQuery,
    SuspenseQuery,
    HeldClaimQuery,
    DisputeQuery,
    HeldElsewhereQuery,
    ReportQuery,
    CorrectionQuery,
    WorkListQuery,
    SearchQuery,
    MonthInvariantQuery,
    RunAnswerQuery,
    RunDiffQuery,
    RunNettingQuery,
    BankingQuery,
    BankExpectedQuery,
    BankCareQuery,
    OfficerLimitQuery,
    OverpaymentQuery,
    DeliveryQuery,
    ParkedQuery,
    AuditLogQuery,
    OwnKeyQuery,
    ClientQuery,
    WebhookQuery,
    PeopleQuery,
    SignInQuery,
):
    """What one may ask the hub."""


@strawberry.type(description="What one may do at the hub.")
class Mutation(
    AdmissionMutation,
    NodeMutation,
    TariffMutation,
    QuoteMutation,
    LicenseeMutation,
    BillingMutation,
    OfferMutation,
    LicenceMutation,
    TokenMutation,
    RunMutation,
    ReportMutation,
    ObjectionMutation,
    CorrectionMutation,
    PaymentMutation,
    ConversionMutation,
    ExclusionMutation,
    DocumentMutation,
    HeldDecisionMutation,
    DisputeMutation,
    BankingMutation,
    BankCareMutation,
    OfficerLimitMutation,
    OverpaymentMutation,
    DeliveryMutation,
    ParkedMutation,
    OwnKeyMutation,
    ClientMutation,
    WebhookMutation,
    PeopleMutation,
    SignInMutation,
    OwnAccountMutation,
):
    """What one may do at the hub."""


schema = described(
    Schema(
        query=Query,
        mutation=Mutation,
        config=schema_config(),
        extensions=extensions(),
        execution_context_class=Splicing,
    )
)
