"""A node's schema, the same for every collective."""

import strawberry

from federation.schema.audit_log import AuditLogQuery
from federation.schema.bank_care import BankCareMutation, BankCareQuery
from federation.schema.bank_expected import BankExpectedQuery
from federation.schema.banking import BankingMutation, BankingQuery
from federation.schema.billing import BillingMutation, BillingQuery
from federation.schema.clients import ClientMutation, ClientQuery
from federation.schema.consents import ConsentMutation, ConsentQuery
from federation.schema.conversions import ConversionMutation
from federation.schema.deliveries import DeliveryMutation, DeliveryQuery
from federation.schema.described import described
from federation.schema.dispute_acts import DisputeMutation, DisputeReleaseMutation
from federation.schema.disputes import DisputeQuery
from federation.schema.disputes_between import DisputeBetweenQuery
from federation.schema.distribution import DistributionQuery
from federation.schema.documents import DocumentMutation, DocumentQuery
from federation.schema.guards import Schema, extensions
from federation.schema.held_claims import HeldClaimMutation, HeldClaimQuery
from federation.schema.histories import RegistryChangeQuery
from federation.schema.invoices import InvoiceQuery
from federation.schema.joining import ApplicationMutation, MembershipQuery, OwnApplicationQuery
from federation.schema.ledger import LedgerQuery
from federation.schema.licences import LicenceMutation, LicenceQuery, LicenseeMutation
from federation.schema.member_payments import MemberPaymentMutation
from federation.schema.members import MemberQuery
from federation.schema.month_invariants import MonthInvariantQuery
from federation.schema.node_entities import NodeEntityQuery
from federation.schema.objections import AnswerMutation, RunAnswerQuery
from federation.schema.of_all import OfAllQuery
from federation.schema.offers import OfferMutation, OfferQuery
from federation.schema.officer_limits import OfficerLimitMutation, OfficerLimitQuery
from federation.schema.overpayments import OverpaymentMutation, OverpaymentQuery
from federation.schema.own_keys import OwnKeyMutation, OwnKeyQuery
from federation.schema.parked import ParkedMutation, ParkedQuery
from federation.schema.pay_ahead import PayAheadMutation
from federation.schema.payments import PaymentMutation, PaymentQuery
from federation.schema.people import PeopleMutation, PeopleQuery
from federation.schema.proposals import ProposalMutation, ProposalQuery
from federation.schema.provenance import ProvenanceMutation
from federation.schema.registry_acts import ClaimMutation, MemberMutation, OptOutMutation
from federation.schema.registry_imports import RegistryImportQuery
from federation.schema.reservations import ReservationMutation, ReservationQuery
from federation.schema.rightholders import RightholderMutation, RightholderQuery
from federation.schema.rights import NodeRightsQuery
from federation.schema.rights_statements import NodeRightsStatementQuery
from federation.schema.run_diffs import RunDiffQuery
from federation.schema.run_netting import RunNettingQuery
from federation.schema.scalars import schema_config
from federation.schema.search import SearchQuery
from federation.schema.settlement import SettlementQuery
from federation.schema.sign_in import OwnAccountMutation, SignInMutation, SignInQuery
from federation.schema.site_codes import SiteCodeMutation
from federation.schema.splicing import Splicing
from federation.schema.statements import StatementQuery
from federation.schema.successions import SuccessionMutation, SuccessionQuery
from federation.schema.suspense import HeldListQuery, SuspenseQuery
from federation.schema.tokens import TokenMutation
from federation.schema.uses import UsesQuery
from federation.schema.visits import VisitQuery
from federation.schema.webhooks import WebhookMutation, WebhookQuery
from federation.schema.why import WhyQuery
from federation.schema.work_list import WorkListQuery
from federation.schema.works import WorkMutation, WorkQuery


@strawberry.type(description="What one may ask a node.")
class Query(
    NodeEntityQuery,
    MembershipQuery,
    NodeRightsQuery,
    NodeRightsStatementQuery,
    MemberQuery,
    ConsentQuery,
    ProposalQuery,
    SuccessionQuery,
    RightholderQuery,
    WorkQuery,
    OfAllQuery,
    RegistryChangeQuery,
    RegistryImportQuery,
    ReservationQuery,
    LicenceQuery,
    BillingQuery,
    InvoiceQuery,
    OfferQuery,
    SettlementQuery,
    LedgerQuery,
    DistributionQuery,
    StatementQuery,
    PaymentQuery,
    UsesQuery,
    VisitQuery,
    DocumentQuery,
    WhyQuery,
    SuspenseQuery,
    HeldClaimQuery,
    DisputeQuery,
    DisputeBetweenQuery,
    HeldListQuery,
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
    OwnApplicationQuery,
    DeliveryQuery,
    ParkedQuery,
    AuditLogQuery,
    OwnKeyQuery,
    ClientQuery,
    WebhookQuery,
    PeopleQuery,
    SignInQuery,
):
    """What one may ask a node."""


@strawberry.type(description="What one may do at a node.")
class Mutation(
    ApplicationMutation,
    MemberMutation,
    ClaimMutation,
    OptOutMutation,
    ConsentMutation,
    ProposalMutation,
    ReservationMutation,
    SuccessionMutation,
    RightholderMutation,
    WorkMutation,
    ProvenanceMutation,
    LicenseeMutation,
    BillingMutation,
    OfferMutation,
    LicenceMutation,
    TokenMutation,
    AnswerMutation,
    PaymentMutation,
    ConversionMutation,
    MemberPaymentMutation,
    PayAheadMutation,
    DocumentMutation,
    HeldClaimMutation,
    DisputeMutation,
    DisputeReleaseMutation,
    BankingMutation,
    BankCareMutation,
    OfficerLimitMutation,
    OverpaymentMutation,
    DeliveryMutation,
    ParkedMutation,
    OwnKeyMutation,
    ClientMutation,
    WebhookMutation,
    SiteCodeMutation,
    PeopleMutation,
    SignInMutation,
    OwnAccountMutation,
):
    """What one may do at a node."""


schema = described(
    Schema(
        query=Query,
        mutation=Mutation,
        config=schema_config(),
        extensions=extensions(),
        execution_context_class=Splicing,
    )
)
