"""The roles people hold at a server, and which of them may read or do what: stated here only.

GraphQL, HTTP and the work-lists ask this module, so that no fact has a second, weaker door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from federation.values.party import HUB


class Role(StrEnum):
    """A role that a server's configuration gives to a person, as TOML and tokens write it."""

    FEDERATION_OPERATOR = "federation_operator"
    LICENSING_OFFICER = "licensing_officer"
    SETTLEMENT_OFFICER = "settlement_officer"
    SETTLEMENT_APPROVER = "settlement_approver"
    REGISTRY_OFFICER = "registry_officer"
    NODE_OPERATOR = "node_operator"
    AUDITOR = "auditor"
    LAB = "lab"
    MEMBER = "member"
    SITE = "site"


SIGNED_IN = "signed_in"  # a server that asks for somebody who has signed in, whoever it is
PEER = "peer"  # another admitted server; no configuration gives it to a person


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read one kind of fact: `staff` reads everybody's, the role `own` its party's only."""

    staff: tuple[Role, ...]
    own: Role | None = None

    @property
    def roles(self) -> tuple[Role, ...]:
        """Return every role that may read at least a part."""
        return self.staff if self.own is None else (self.own, *self.staff)


_SETTLEMENT = (Role.SETTLEMENT_OFFICER, Role.SETTLEMENT_APPROVER, Role.AUDITOR)
_COMMERCIAL = (
    Role.LICENSING_OFFICER,
    Role.SETTLEMENT_OFFICER,
    Role.SETTLEMENT_APPROVER,
    Role.AUDITOR,
)

# Runs, the journal, payments, held money, bank entries, reports and corrections.
MAY_READ_BOOKS = Readers(_SETTLEMENT)
# How far a month is, what waits, and what the collective did with its part: totals only.
MAY_FOLLOW_THE_MONTH = Readers((*_SETTLEMENT, Role.NODE_OPERATOR))
# What waits here: months and payments for who follows the month, held money and bank entries for
# who reads the books, messages of other servers for all but registry officers, who have proposals.
MAY_READ_WORK_LIST = Readers(
    (*MAY_FOLLOW_THE_MONTH.staff, Role.FEDERATION_OPERATOR, Role.REGISTRY_OFFICER)
)
# Numbered documents; runs and files for the bank are for who reads the books, and a lab reads its
# own invoices and credit notes.
MAY_READ_DOCUMENTS = Readers(_COMMERCIAL, own=Role.LAB)
MAY_LIST_DOCUMENTS = Readers(_COMMERCIAL)
# A member's month.
MAY_READ_STATEMENTS = Readers(_SETTLEMENT, own=Role.MEMBER)
# Why an amount is what it is; of a payment or a member's month, for whom that is shown to.
MAY_ASK_WHY = Readers(_COMMERCIAL, own=Role.MEMBER)
# Who used an address; at the addresses of a lab this would be its recipe, so no lab is here.
MAY_READ_USES = Readers((Role.REGISTRY_OFFICER, *_SETTLEMENT), own=Role.MEMBER)
# The addresses the hub published as holding money for, in bands instead of amounts.
MAY_READ_HELD_LIST = Readers((*_SETTLEMENT, Role.REGISTRY_OFFICER))

MAY_READ_LICENCES = Readers((Role.NODE_OPERATOR, *_COMMERCIAL), own=Role.LAB)
MAY_READ_OFFERS = Readers(_COMMERCIAL, own=Role.LAB)
# Whom the invoices to a lab name, and what it owes.
MAY_READ_BILLING = Readers(_COMMERCIAL, own=Role.LAB)
MAY_STATE_BILLING = Readers((Role.LICENSING_OFFICER,), own=Role.LAB)
# What labs used of their licences, in units: no addresses, and still a part of a lab's recipe.
MAY_READ_LAB_USAGE = Readers(_SETTLEMENT, own=Role.LAB)
# What is withheld, over all collectives, as one file: a lab that is registered, and who answers it.
MAY_READ_WITHHELD = Readers((Role.LICENSING_OFFICER, Role.AUDITOR), own=Role.LAB)
# Deviations from the tariff are for every lab to read, whoever they were made with.
MAY_READ_AGREEMENTS = Readers((Role.LAB, Role.NODE_OPERATOR, *_COMMERCIAL))

MAY_READ_MEMBERS = Readers((Role.REGISTRY_OFFICER, Role.NODE_OPERATOR, Role.AUDITOR))
# Whom the collective represents, by what names and numbers; who said what of the registry when; and
# what was known of it once, also if it was wrong and taken back.
MAY_READ_HISTORIES = (PEER, *MAY_READ_MEMBERS.staff)
MAY_READ_CLAIMS = Readers(MAY_READ_MEMBERS.staff, own=Role.MEMBER)
# Claims that several hold, and how that is decided; the money is for who reads the books.
MAY_READ_DISPUTES = Readers((Role.REGISTRY_OFFICER, *_SETTLEMENT), own=Role.MEMBER)
# What a member's site must withhold, and whom it may trust.
MAY_READ_SITE_POLICY = Readers((Role.REGISTRY_OFFICER,), own=Role.SITE)
# Which crawlers came to a member's sites, and how its gates do.
MAY_READ_VISITS = Readers(MAY_READ_MEMBERS.staff, own=Role.MEMBER)
MAY_TELL_VISITS = (Role.SITE,)

MAY_READ_APPLICATIONS = Readers((Role.FEDERATION_OPERATOR, Role.AUDITOR))
MAY_READ_DELIVERIES = Readers(
    (Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR, Role.AUDITOR, Role.SETTLEMENT_OFFICER)
)

# A node's own application to its hub.
MAY_READ_OWN_APPLICATION = Readers((Role.NODE_OPERATOR, Role.AUDITOR))
# Messages of other servers that could not be handled, with what they say.
MAY_READ_PARKED = Readers(
    (Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR, Role.AUDITOR, Role.SETTLEMENT_OFFICER)
)

# What everybody did, and who may do what: nothing of it is secret, all of it is somebody's doing.
MAY_READ_AUDIT_LOG = Readers((Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR, Role.AUDITOR))
# A server's own keys, their public halves.
MAY_READ_KEYS = Readers((Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR, Role.AUDITOR))
MAY_READ_PEOPLE = MAY_READ_AUDIT_LOG

# Who may act: the roles of which the caller must hold one.
MAY_KEEP_KEYS = (Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR)
MAY_ADMIT = (Role.FEDERATION_OPERATOR,)
MAY_APPLY_FOR_ADMISSION = (Role.NODE_OPERATOR,)
MAY_HANDLE_PARKED = (Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR)
MAY_LICENSE = (Role.LICENSING_OFFICER,)
MAY_BUY = (Role.LAB,)
MAY_KEEP_THE_REGISTRY = (Role.REGISTRY_OFFICER,)
# A member asks for what is its own; an officer confirms it.
MAY_ACT_ON_THE_REGISTRY = (Role.REGISTRY_OFFICER, Role.MEMBER)
MAY_REPORT_USAGE = (Role.LAB, Role.SITE)
MAY_PREPARE = (Role.SETTLEMENT_OFFICER,)
MAY_APPROVE = (Role.SETTLEMENT_APPROVER,)
MAY_PREPARE_OR_APPROVE = (*MAY_PREPARE, *MAY_APPROVE)


class ClientKind(StrEnum):
    """What a client, a program with a credential of its own, stands for."""

    LAB = "LAB"
    SITE = "SITE"
    TOOL = "TOOL"
    NODE = "NODE"  # servers call with their own key; no client of this kind is made yet


# The role in which a client asks, fixed when it is made.
CLIENT_ROLES: Mapping[ClientKind, Role] = MappingProxyType(
    {ClientKind.LAB: Role.LAB, ClientKind.SITE: Role.SITE, ClientKind.TOOL: Role.AUDITOR}
)
# Who makes, rotates and revokes clients of a kind: staff anybody's, a lab and a member their own.
CLIENT_KEEPERS: Mapping[ClientKind, Readers] = MappingProxyType(
    {
        ClientKind.LAB: Readers((Role.LICENSING_OFFICER,), own=Role.LAB),
        ClientKind.SITE: Readers((Role.REGISTRY_OFFICER, Role.NODE_OPERATOR), own=Role.MEMBER),
        ClientKind.TOOL: Readers((Role.FEDERATION_OPERATOR, Role.NODE_OPERATOR)),
    }
)
MAY_KEEP_CLIENTS = tuple(
    dict.fromkeys(role for keepers in CLIENT_KEEPERS.values() for role in keepers.roles)
)
MAY_ISSUE_SITE_CODES = CLIENT_KEEPERS[ClientKind.SITE].roles
MAY_READ_CLIENTS = (*MAY_KEEP_CLIENTS, Role.AUDITOR)


def may_keep_disputes(here: str) -> tuple[Role, ...]:
    """Return whose office the procedure of disputes is: the hub keeps no registry."""
    return MAY_PREPARE if here == HUB else MAY_KEEP_THE_REGISTRY


def may_keep_people(here: str) -> tuple[Role, ...]:
    """Return who may change the directory of people: whoever operates the server `here`."""
    return (Role.FEDERATION_OPERATOR if here == HUB else Role.NODE_OPERATOR,)
