"""Words for the codes of a member's pages, and how their forms and addresses are read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from federation.console.page import N_, Act, Asked, Data, Document, Said
from federation.values.held import ACCOUNT_MISSING, BELOW_MINIMUM, SET_OFF
from federation.values.roles import Role

SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": N_("licences of other licensors"),
        "domestic": N_("licences of the own collective"),
        "base": N_("base part, the same for every member"),
        "tier": N_("tier part, the same for every member of it"),
    }
)
VERDICTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "MATCHED": N_("counted"),
        "RESERVED": N_("withheld: earns nothing"),
        "NOT_REPRESENTED": N_("not represented"),
        "OUT_OF_SCOPE": N_("not of this licence"),
        "OUTSIDE_TERM": N_("outside its term"),
        "DUPLICATE": N_("reported twice"),
        "CONFLICT": N_("contradicted"),
        "other_source": N_("counted from another source"),
        "UNKNOWN_LICENCE": N_("no such licence"),
        "MALFORMED": N_("not readable"),
        "FORWARDED": N_("sent on to who represents it"),
        "LATE": N_("late: counted in a later month"),
    }
)
ADJUSTMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CORRECTION": N_("correction"),
        "RELEASE": N_("held money released"),
        "RETURNED": N_("came back"),
        "RESERVE": N_("from the reserve"),
    }
)
# Why a member is not paid what stands open of its month.
NOT_PAYABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        SET_OFF: N_("a debit: it is set off against what comes next"),
        ACCOUNT_MISSING: N_("no account to pay to is known"),
        BELOW_MINIMUM: N_("less than is paid at once"),
    }
)
EARNED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SETTLED": N_("settled"),
        "NOT_SETTLED_YET": N_("not settled yet"),
        "NOT_KNOWN_HERE": N_("not known here"),
    }
)
OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SERVED": N_("served and counted"),
        "NOT_COUNTED": N_("no page, not counted"),
        "LICENCE_REQUIRED": N_("refused: no licence shown"),
    }
)
NOT_REFUSED: Final = frozenset({"SERVED", "NOT_COUNTED"})
CREDENTIALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "LIVE": N_("live"),
        "ENDING": N_("ends soon"),
        "OVER": N_("over"),
        "REVOKED": N_("revoked"),
    }
)
MODES: Final[Mapping[str, str]] = MappingProxyType(
    {"enforce": N_("refuses"), "observe": N_("only observes")}
)
CONSENT_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OPT_OUT": N_("opted out"),
        "RESERVED_EX_ANTE": N_("reserved before"),
        "OPTED_IN": N_("opted in"),
        "MANDATED": N_("mandated"),
        "EXTENDED": N_("by extended licensing"),
        "WITHHELD": N_("withheld"),
        "WITHDRAWN": N_("withdrawn"),
        "PUBLISHED_DISALLOW": N_("the site says no"),
        "PUBLISHED_ALLOW": N_("the site says yes"),
    }
)
CAPACITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RIGHTHOLDER": N_("rightholder"),
        "MEMBER": N_("member"),
        "AGENT": N_("agent"),
        "HEIR": N_("heir"),
        "COLLECTIVE": N_("collective"),
        "OTHER": N_("other"),
    }
)
# Said of what was done, and of what is proposed only.
TAKEN: Final = N_(
    "Taken. What another person decides first stands among the proposals; all else is done."
)
_DAY_LENGTH: Final = len("2026-09-20")


def own_member(asked: Asked) -> str | None:
    """Return the member whose pages somebody looks at: a member its own, staff whom they name."""
    who = asked.principal
    if who is not None and Role.MEMBER in who.roles:
        return who.party
    return asked.query.get("member") or None


def filled(document: Document, form: Said) -> Mapping[str, Any]:
    """Return variables of a form: what is left blank is not said, a day begins at 0:00 UTC."""
    said = {name: text for name, text in form.items() if text}
    for name in ("effectiveAt", "endsAt"):
        if len(said.get(name, "")) == _DAY_LENGTH:
            said[name] += "T00:00:00Z"
    return document.filled(said)


def registry_act(name: str, file: str) -> Act:
    """Return an act on the registry; what waits for another person is shown among proposals."""
    document = Document(file)

    def then(data: Data, asked: Asked) -> str:
        [found] = data.values()
        return "/proposals" if found["__typename"] == "Proposal" else asked.link()

    return Act(name, document, TAKEN, lambda form, _: filled(document, form), then)
