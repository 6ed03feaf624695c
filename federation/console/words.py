"""Words of pages for the codes that the server speaks in: offices, states, groups of the menu."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from federation.console.page import N_
from federation.trust.principals import Principal
from federation.values.roles import Role

START: Final = N_("Start")
SETTLEMENT: Final = N_("Settlement")
RECONCILIATION: Final = N_("Reconciliation")
REGISTRY: Final = N_("Registry")
LICENSING: Final = N_("Licensing")
MEMBERS: Final = N_("Members")
AUDIT: Final = N_("Audit")
SERVER: Final = N_("This server")
PUBLIC: Final = N_("For everybody")
# The groups of the menu, in its order.
GROUPS: Final = (
    START,
    SETTLEMENT,
    RECONCILIATION,
    LICENSING,
    REGISTRY,
    MEMBERS,
    AUDIT,
    SERVER,
    PUBLIC,
)

ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Role.FEDERATION_OPERATOR: N_("federation operator"),
        Role.LICENSING_OFFICER: N_("licensing officer"),
        Role.SETTLEMENT_OFFICER: N_("settlement officer"),
        Role.SETTLEMENT_APPROVER: N_("settlement approver"),
        Role.REGISTRY_OFFICER: N_("registry officer"),
        Role.NODE_OPERATOR: N_("node operator"),
        Role.AUDITOR: N_("auditor"),
        Role.LAB: N_("lab"),
        Role.MEMBER: N_("member"),
        Role.SITE: N_("site"),
    }
)
PERSON_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "IN_FORCE": N_("in force"),
        "PROPOSED": N_("proposed"),
        "ENDED": N_("ended"),
        "WITHDRAWN": N_("withdrawn"),
    }
)


def role_name(who: Principal | None) -> str:
    """Return the office in which somebody looks, to be translated; nothing for nobody."""
    return "" if who is None else ", ".join(ROLES.get(role, role) for role in sorted(who.roles))
