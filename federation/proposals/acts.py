"""Every act on a registry as a value: what is kept while it waits (`planning` judges it)."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeAlias

import msgspec

from federation.mandates.records import DraftRecord
from federation.proposals.claims import DraftClaim, DraftTerms
from federation.rightholders.rightholder import DraftRightholder
from federation.successions.succession import DraftSuccession
from federation.works.work import DraftWork


class _Act(msgspec.Struct, frozen=True, tag_field="act", forbid_unknown_fields=True):
    """An act on a registry."""


class RegisterMember(_Act, frozen=True, tag="REGISTER_MEMBER"):
    """Register a member from a day on."""

    member: str
    name: str
    country: str
    joined_on: date


class ChangeMember(_Act, frozen=True, tag="CHANGE_MEMBER"):
    """Say a member's name and country from a day on."""

    member: str
    name: str
    country: str
    starts_on: date


class EndMembership(_Act, frozen=True, tag="END_MEMBERSHIP"):
    """Say that a member leaves on a day, and its claims with it."""

    member: str
    on: date


class SuspendMember(_Act, frozen=True, tag="SUSPEND_MEMBER"):
    """Suspend a member from a day on."""

    member: str
    on: date


class ReinstateMember(_Act, frozen=True, tag="REINSTATE_MEMBER"):
    """Say that a member is suspended no more, from a day on."""

    member: str
    on: date


class CorrectJoining(_Act, frozen=True, tag="CORRECT_JOINING"):
    """Say on which day a member joined."""

    member: str
    joined_on: date


class RegisterClaim(_Act, frozen=True, tag="REGISTER_CLAIM"):
    """Register a claim of a member."""

    member: str
    claim: DraftClaim


class EndClaim(_Act, frozen=True, tag="END_CLAIM"):
    """End a claim before a day."""

    claim: str
    on: date


class ChangeClaim(_Act, frozen=True, tag="CHANGE_CLAIM"):
    """Say what else a claim says, from a day on."""

    claim: str
    terms: DraftTerms
    starts_on: date


class CorrectClaim(_Act, frozen=True, tag="CORRECT_CLAIM"):
    """Say what a claim should have said from its first day on."""

    claim: str
    corrected: DraftClaim


class WithdrawClaim(_Act, frozen=True, tag="WITHDRAW_CLAIM"):
    """Take back a claim that never was right."""

    claim: str


class RecordOptOut(_Act, frozen=True, tag="RECORD_OPT_OUT"):
    """Withhold a member or an address from a use, from an instant on; None: at once."""

    subject: str
    use: str
    effective_at: datetime | None


class EndOptOut(_Act, frozen=True, tag="END_OPT_OUT"):
    """End an opt-out from an instant on; None: at once."""

    opt_out: int
    ends_at: datetime | None


class RecordConsent(_Act, frozen=True, tag="RECORD_CONSENT"):
    """Record what somebody declares of a subject and a use."""

    record: DraftRecord


class EndConsent(_Act, frozen=True, tag="END_CONSENT"):
    """End a consent record from an instant on; None: at once."""

    record: int
    ends_at: datetime | None


class CorrectConsent(_Act, frozen=True, tag="CORRECT_CONSENT"):
    """Say what a consent record should have said."""

    record: int
    corrected: DraftRecord


class WithdrawConsent(_Act, frozen=True, tag="WITHDRAW_CONSENT"):
    """Take back a consent record that never was right."""

    record: int


class EnterConsentFile(_Act, frozen=True, tag="ENTER_CONSENT_FILE"):
    """Enter the rows of a file that wait, `{state: how many}`; the file is named by its SHA-256."""

    file: str
    sha256: str
    rows: int
    states: dict[str, int]


class ChangeWork(_Act, frozen=True, tag="CHANGE_WORK"):
    """Say of a work what it is over a period."""

    work: str
    draft: DraftWork
    starts_at: datetime
    ends_at: datetime | None


class ChangeRightholder(_Act, frozen=True, tag="CHANGE_RIGHTHOLDER"):
    """Say of a rightholder what it is over a period."""

    rightholder: str
    draft: DraftRightholder
    starts_at: datetime
    ends_at: datetime | None


class RecordSuccession(_Act, frozen=True, tag="RECORD_SUCCESSION"):
    """Say who succeeds a member or a rightholder from a day on, and with which shares."""

    draft: DraftSuccession


class WithdrawSuccession(_Act, frozen=True, tag="WITHDRAW_SUCCESSION"):
    """Take back a succession that never was right."""

    succession: int


OnMember: TypeAlias = (
    RegisterMember | ChangeMember | EndMembership | SuspendMember | ReinstateMember | CorrectJoining
)
OnClaim: TypeAlias = RegisterClaim | EndClaim | ChangeClaim | CorrectClaim | WithdrawClaim
OnOptOut: TypeAlias = RecordOptOut | EndOptOut
OnConsent: TypeAlias = RecordConsent | EndConsent | CorrectConsent | WithdrawConsent
OnWork: TypeAlias = ChangeWork | ChangeRightholder
OnSuccession: TypeAlias = RecordSuccession | WithdrawSuccession
Act: TypeAlias = (
    OnMember | OnClaim | OnOptOut | OnConsent | EnterConsentFile | OnWork | OnSuccession
)
encode: Callable[[Act], bytes] = msgspec.json.encode
_decoder: msgspec.json.Decoder[Act] = msgspec.json.Decoder(Act)


def decode(text: str) -> Act:
    """Return an act that was kept."""
    return _decoder.decode(text)


def kind_of(act: Act) -> str:
    """Return the tag of an act: END_CLAIM."""
    return str(act.__struct_config__.tag)
