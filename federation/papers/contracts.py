"""A licence's contract as a paper that counsel can file. Pure.

It is laid out of what the licensor signed, and shows the signature: whoever has the licensor's
key can verify it against the signed licence, whose fingerprint stands in the paper.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from federation.licensing.objects import GENERAL_TERMS, SIGNED_BYTES_MAX, LicenceObject
from federation.money import exponent
from federation.papers.paper import (
    Column,
    Fact,
    Facts,
    Paper,
    Table,
    Words,
    amount_text,
    percent_text,
)
from federation.store.canonical import sha256_hex

_PARTS: Final = 3
_CAPACITIES: Final = {
    "AGENT": "as agent of the rightholders",
    "OWN_NAME_ON_BEHALF": "in its own name, on behalf of the rightholders",
    "PRINCIPAL": "as principal",
}
_UNCLAIMED: Final = {
    "exclude": "are not licensed",
    "hold": "are licensed; what they earn is held for who claims them",
}
_BASES: Final = {"site": "the members' sites count", "lab": "the licensee reports"}


@dataclass(frozen=True, slots=True)
class Signed:
    """A licence as it was signed (a JWS in its compact form), taken apart. Nothing is verified."""

    header: Mapping[str, Any]
    licence: LicenceObject
    signature: str

    @classmethod
    def read(cls, signed: str) -> "Signed":
        """Take a signed licence apart. ValueError if it is none."""
        parts = signed.split(".")
        if len(parts) != _PARTS:
            raise ValueError("a signed licence has three parts")
        header = msgspec.json.decode(_bytes(parts[0]), type=dict[str, Any])
        return cls(header, msgspec.json.decode(_bytes(parts[1]), type=LicenceObject), parts[2])


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error) as error:
        raise ValueError("a part of a signed licence is not base64url") from error


def contract_paper(signed: str, fingerprint: str) -> Paper:
    """Lay out a licence's contract. ValueError if it is no signed licence."""
    found = Signed.read(signed)
    licence = found.licence
    return Paper(
        title="Licence",
        number=licence.number,
        dated=licence.acceptance.at.date(),
        sender=[licence.licensor.party, "Licensor"],
        recipient=[licence.licensee.party, "Licensee"],
        facts=[
            ("Number", licence.number),
            ("Version", str(licence.version)),
            ("State", licence.status),
            *_succeeds(licence),
            ("Accepted on", licence.acceptance.at.date().isoformat()),
        ],
        blocks=[
            Facts("Parties", _parties(licence)),
            Facts("Grant", _grant(licence)),
            _fees(licence),
            Facts("Fee", _fee(licence)),
            Facts("Term", _term(licence)),
            Facts("Duties", _duties(licence)),
            Facts("General terms", _terms(licence)),
            *_terms_text(licence),
            Facts("Acceptance", _accepted(licence)),
            Facts("Signature of the licensor", _signature(found)),
        ],
        fingerprint=fingerprint,
        text_max=SIGNED_BYTES_MAX,  # whole: no territory of a contract is left to be guessed
    )


def _succeeds(licence: LicenceObject) -> list[Fact]:
    """Say which version this one replaces, and since when it holds."""
    before, since = licence.supersedes, licence.effective_from
    facts = [] if before is None else [("Replaces", f"version {before}")]
    return facts if since is None else [*facts, ("In effect from", since.isoformat())]


def _listed(items: Sequence[str], empty: str) -> str:
    return ", ".join(items) or empty


def _parties(licence: LicenceObject) -> list[Fact]:
    capacity = licence.licensor.capacity
    return [
        ("Licensor", f"{licence.licensor.party}, {_CAPACITIES.get(capacity, capacity)}"),
        ("Licensee", licence.licensee.party),
        ("Its affiliates", _listed(licence.licensee.affiliates, "none")),
    ]


def _grant(licence: LicenceObject) -> list[Fact]:
    grant = licence.grant
    return [
        ("Uses", _listed(licence.uses, "none")),
        ("Repertoire", _listed(grant.repertoire, "of every collective of the federation")),
        ("Territories", _listed(grant.territories, "worldwide")),
        ("Models", _listed(grant.models, "any")),
        ("Audience", _spoken(grant.audience)),
        ("Works that nobody claims", _UNCLAIMED[grant.unclaimed]),
    ]


def _fees(licence: LicenceObject) -> Table:
    decimals = {licence.fee.currency: exponent(licence.fee.currency)}
    rows = [
        [
            part.id or "\N{EN DASH}",
            _listed(part.uses, "none"),
            _spoken(part.unit),
            amount_text(part.fee, licence.fee.currency, decimals),
        ]
        for part in licence.grant.components
    ]
    total = amount_text(licence.fee.total, licence.fee.currency, decimals)
    columns = [Column("Part", 1), Column("Uses", 2.6), Column("Unit", 1), Column("Fee", 1.8, True)]
    return Table("Fee lines", columns, rows, [["Total", "", "", total]])


def _fee(licence: LicenceObject) -> list[Fact]:
    fee, decimals = licence.fee, {licence.fee.currency: exponent(licence.fee.currency)}
    tariff = "none: agreed individually" if fee.tariff_version is None else str(fee.tariff_version)
    facts = [("Basis", _spoken(fee.basis)), ("Tariff, version", tariff)]
    facts += [("Why it deviates", fee.deviation)] if fee.deviation else []
    for name, minor in (("Minimum", fee.minimum), ("Cap", fee.cap)):
        facts += [(name, amount_text(minor, fee.currency, decimals))] if minor else []
    return facts


def _term(licence: LicenceObject) -> list[Fact]:
    term = licence.term
    facts = [
        ("First day", term.starts_on.isoformat()),
        ("Last day", term.ends_on.isoformat()),
        ("Renewal", _spoken(term.renewal)),
        ("Notice", f"{term.notice_days} days"),
        ("Refund", _spoken(term.refund)),
    ]
    facts += [("Ended early, last day", licence.ended_on.isoformat())] if licence.ended_on else []
    facts += [("Revoked at", licence.revoked_at.isoformat())] if licence.revoked_at else []
    return facts + ([("Reason", licence.status_reason)] if licence.status_reason else [])


def _duties(licence: LicenceObject) -> list[Fact]:
    reporting, withdrawal, after = licence.reporting, licence.withdrawal, licence.post_term
    return [
        ("Reports", _spoken(reporting.cadence)),
        ("What counts", f"what {_BASES[reporting.usage_basis]}"),
        ("Difference tolerated", percent_text(str(reporting.tolerance_bps))),
        ("Attribution", _spoken(licence.attribution)),
        ("Audit", _spoken(licence.audit)),
        ("Withdrawn works", f"within {withdrawal.notice_hours} hours from notice"),
        ("Copies of withdrawn works", _spoken(withdrawal.removal)),
        ("Models after the term", _spoken(after.model)),
        ("Copies after the term", _spoken(after.copies)),
    ]


def _terms(licence: LicenceObject) -> list[Fact]:
    return [("Version", licence.terms.uri), ("SHA-256 of their text", licence.terms.sha256)]


def _terms_text(licence: LicenceObject) -> list[Words]:
    """Return the text of the terms that were signed for, where this version of us has it."""
    is_it = licence.terms.sha256 == sha256_hex(GENERAL_TERMS.encode())
    return [Words("Text of the general terms", [GENERAL_TERMS])] if is_it else []


def _accepted(licence: LicenceObject) -> list[Fact]:
    return [
        ("Accepted by", f"{licence.acceptance.subject}, {licence.acceptance.role}"),
        ("Accepted at", licence.acceptance.at.isoformat()),
    ]


def _signature(found: Signed) -> list[Fact]:
    return [
        ("Algorithm", str(found.header.get("alg", ""))),
        ("Key", str(found.header.get("kid", ""))),
        ("Signature", found.signature),
    ]


def _spoken(code: str) -> str:
    """Return a code of the terms as words: NEXT_RETRAIN is `next retrain`."""
    return code.replace("_", " ").lower() if code.isupper() else code
