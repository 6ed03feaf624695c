"""What a server is told at its start, field by field; `configuration` reads it.

The texts under the fields are what `federation config init` and docs/configuration.md say of them.
"""

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from federation import money
from federation.errors import RefusalError
from federation.quotas import Act, Quota
from federation.values.bps import Bps
from federation.values.identity import (
    BOOTSTRAP,
    UnclearIdentityError,
    refuse_alike,
    refuse_unclear,
)
from federation.values.ids import is_plain_id
from federation.values.invoicing import Invoicing
from federation.values.plan import Plan, Tier, require_fitting
from federation.values.roles import Role

WORKERS_MAX = 16
SECRET_BYTES = 32  # of a key-encryption secret
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Code = Annotated[str, Meta(pattern=r"^[A-Z0-9-]{2,12}\Z")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
EntityId = Annotated[str, Meta(pattern=r"^[!-~]+\Z", max_length=255)]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s?#]+\Z", max_length=500)]
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
Weight = Annotated[int, Meta(ge=0)]


class ConfigError(RefusalError):
    """The configuration cannot be used."""

    code: ClassVar[str] = "BAD_CONFIG"


class StaffMember(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may ask this server, in which roles, on whose behalf."""

    subject: Name
    """By what the server knows the person; nobody else may be called alike."""
    roles: list[Role]
    """What the person may do (see the roles)."""
    party: str | None = None
    """For which lab or member the person acts."""


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of usage, in thousandths: by content tier and by use."""

    tier_weight: dict[str, Weight]
    """What a unit counts by content tier, in thousandths: standard = 1000."""
    use_weight: dict[str, Weight]
    """What a unit counts by use, in thousandths: TRAIN = 1000."""

    def __post_init__(self) -> None:
        _check_ids(self.tier_weight)
        _check_ids(self.use_weight)


class HubPeer(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub as a node knows it."""

    entity_id: EntityId
    """The hub's entity id."""
    url: Url
    """Where the hub is reached."""
    key_thumbprint: str
    """The thumbprint of the hub's FEDERATION key: `federation keys list` at the hub, or
    `/.well-known/federation`; compare it with somebody there by another way.
    """

    def __post_init__(self) -> None:
        if _THUMBPRINT.fullmatch(self.key_thumbprint) is None:
            said = "`key_thumbprint` has 43 characters, as `federation keys list` at the hub shows"
            raise ValueError(said)


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenID Connect provider at which people sign in; it says who they are, never what they do.

    The server proves itself by a secret, or by a P-256 key of its own: one file of the two, which
    nobody else may read.
    """

    issuer: Url
    """The provider's issuer: its https address."""
    client_id: Name
    """By what the provider knows this server."""
    label: Name = "Sign in with your organisation"
    """What the button says."""
    client_secret_file: Path | None = None
    """A file with the secret by which the server proves itself."""
    key_file: Path | None = None
    """A file with the P-256 key by which it proves itself instead."""

    def __post_init__(self) -> None:
        if (self.client_secret_file is None) == (self.key_file is None):
            raise ValueError("one of `client_secret_file` and `key_file` is named")
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("`issuer` is https, or on this machine")


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """How people sign in in a browser: by passwords of this server, at a provider, or either."""

    local: bool = True
    """Whether people may sign in with a password of this server."""
    oidc: Provider | None = None
    """The provider at which they may sign in."""


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What hub and node have in common. A port of 0 is chosen by the system."""

    entity_id: EntityId
    """By what all others know the server, for good: a URL of its own."""
    data_dir: Path
    """The folder of its own files; a relative one stands beside the configuration."""
    host: str = "127.0.0.1"
    """The address to listen at; 127.0.0.1 is this machine alone, behind a proxy."""
    workers: Annotated[int, Meta(ge=1, le=WORKERS_MAX)] = 1
    """How many processes answer, on PostgreSQL alone; a SQLite file is of one."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """The port to listen at; 0 is chosen by the system."""
    public_url: Url | None = None
    """Where others reach the server. Empty: host and port."""
    database_url: str = ""
    """`postgresql://…` in any usual spelling, or `sqlite:///…`. Empty: a SQLite file in
    `data_dir`.
    """
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From which weight on the log has lines."""
    access_log: bool = False
    """Whether the log has a line for each request: method, path, status, bytes, milliseconds.

    Not who asked, from where, or what stands behind the `?`: that is for a proxy to keep, or not.
    """
    principal: list[StaffMember] = []
    """The first people, taken into an empty directory once; from then on the directory decides."""
    sign_in: SignIn = SignIn()
    """How people sign in in a browser."""
    metrics_token: str = ""
    """The bearer token that `/metrics` wants to see. Empty: it answers this machine alone."""
    account: str | None = None
    """The bank account that the server is paid to and pays from."""
    account_scheme: Literal["IBAN", "OTHER"] = "IBAN"
    """What `account` is."""
    bic: str | None = None
    """The BIC of the account's bank."""
    invoicing: Invoicing | None = None
    """Without it an invoice names both sides by their codes, is due on the first day of the term,
    says nothing of VAT and is no EN 16931 invoice.
    """
    key_secret: str = ""
    """What private keys are encrypted with at rest: 32 bytes in base64, or several such values
    parted by spaces or line ends. The first encrypts, each decrypts. Empty: a file in `data_dir`.
    """
    quotas: dict[Act, Quota] = {}
    """How often one principal may do one kind of act, where it is not the default.

    Who has no token is known by the address it comes from (`proxies`). Let a proxy hold a request
    back until its body has come: 64 of one address may be on their way.
    """
    trusted_documents: Path | None = None
    """A folder of `.graphql` files: who is not known here may ask by these documents alone."""
    proxies: Annotated[int, Meta(ge=0, le=8)] = 0
    """How many proxies of one's own, one behind the other, every request comes through.

    Each adds the address that called it to the end of `X-Forwarded-For`, and of that header no more
    is believed. With 0 the connection's address counts: behind a proxy all strangers are one then,
    and share `anonymous`, `admission`, `enrolment`, `validate`, `oauth`, `sign_in`, `password`
    and `account`.
    """

    peer_networks: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    """CIDR blocks that may be called although they are not public, as `127.0.0.0/8`: the hub's
    nodes there, and targets of webhooks, by plain HTTP too.
    """

    def __repr__(self) -> str:
        """Say whose configuration it is, and nothing that is secret."""
        return f"{type(self).__name__}({self.entity_id!r})"

    def __post_init__(self) -> None:
        _check_people(self.principal)
        _check_secrets(self.key_secret)
        for block in self.peer_networks:
            _check_network(block)
        if not self.database_url:
            url = f"sqlite+aiosqlite:///{self.data_dir / 'federation.sqlite'}"
            msgspec.structs.force_setattr(self, "database_url", url)
        _check_workers(self)


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """When a month is closed: days are of the month that follows it.

    A usage report is due at the end of `cut_off_day`, or of a sender's own day; reminders are due
    so many days before; in the round of a correction the days are counted from the day on which it
    was opened. Nodes may object to an advised run for `objection_days`; silence concurs.
    """

    cut_off_day: Annotated[int, Meta(ge=1, le=28)] = 5
    """The last day on which usage is reported."""
    senders: dict[Code, Annotated[int, Meta(ge=1, le=28)]] = {}
    """Other last days, by sender."""
    reminder_days: tuple[Annotated[int, Meta(ge=0, le=27)], ...] = (3, 1)
    """How many days before the last one reminders are due."""
    objection_days: Annotated[int, Meta(ge=0, le=90)] = 10
    """How long nodes may object to a run; silence concurs."""


class Adjustments(Struct, frozen=True, forbid_unknown_fields=True):
    """How far back corrections reach and what is too small for one (SETTLEMENT §7).

    `de_minimis` is in minor units of the clearing currency: a correction that moves less, all
    differences added up, is refused. Debits left after `set_off_periods` go to the reserve.
    """

    window_periods: Annotated[int, Meta(ge=0, le=60)] = 3
    """How many months back corrections reach."""
    de_minimis: Annotated[int, Meta(ge=0)] = 0
    """A correction that moves less, in minor units of the clearing currency, is refused."""
    set_off_periods: Annotated[int, Meta(ge=1, le=60)] = 12
    """After how many months debits that are left go to the reserve."""


class HubConfig(ServerConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The federation's counter and clearing house."""

    name: Name
    """What people call the hub."""
    clearing_currency: Currency
    """The ISO 4217 currency in which nodes settle."""
    fee_bps: Bps
    """The hub's fee on worldwide licences, in basis points: 300 is 3 %."""
    fee_band_bps: tuple[Bps, Bps]
    """The lowest and the highest fee of a collective, in basis points."""
    terms: Terms
    """The weights of usage."""
    national_fee_bps: Bps = -1
    """The hub's fee on national licences. -1: `fee_bps`."""
    calendar: Calendar = Calendar()
    """When a month is closed."""
    adjustments: Adjustments = Adjustments()
    """How far back corrections reach."""
    payment_days: Annotated[int, Meta(ge=0, le=365)] = 10
    """From the approval of a run to the value date."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_currency("clearing_currency", self.clearing_currency)
        if self.fee_band_bps[0] > self.fee_band_bps[1]:
            raise ValueError("`fee_band_bps` is [lowest, highest]")
        if self.national_fee_bps < 0:
            msgspec.structs.force_setattr(self, "national_fee_bps", self.fee_bps)


class NodeConfig(ServerConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A national collective: its particulars are data, never code."""

    code: Code
    """The node's code in the federation, as `GB`."""
    name: Name
    """The collective's name."""
    country: Country
    """The ISO 3166 code of the country whose law applies."""
    settlement_currency: Currency
    """The ISO 4217 currency in which its members are paid."""
    admin_fee_bps: Bps
    """What it keeps of what it shares out, in basis points: 1200 is 12 %."""
    collecting_fee_bps: Bps
    """What it keeps of what it collects for others, in basis points."""
    minimum_payment: Annotated[int, Meta(ge=0)]
    """A member is paid from so many minor units on; less is carried forward."""
    plan: Plan
    """How it shares out."""
    hub: HubPeer
    """The hub that it belongs to."""
    base_bps: Bps | None = None
    """With `hybrid`: the part shared out evenly, in basis points."""
    tiers: dict[str, Tier] | None = None
    """With `tiered`: members by their number of works, and their parts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_currency("settlement_currency", self.settlement_currency)
        require_fitting(self.plan, self.base_bps, self.tiers)


def _check_currency(field: str, currency: str) -> None:
    try:
        money.exponent(currency)
    except RefusalError as refusal:
        raise ValueError(f"`{field}`: {refusal.message}") from refusal


def _check_ids(ids: Mapping[str, object]) -> None:
    """Keys of a settlement share one namespace with `~` entries and `/` compounds."""
    for each in ids:
        if not is_plain_id(each):
            raise ValueError(f"`{each}` may not be empty, start with ~ or hold a /")


def _check_people(people: Sequence[StaffMember]) -> None:
    """Every person is one, by a name that cannot be taken for another's (four eyes)."""
    subjects = [person.subject for person in people]
    if len(set(subjects)) < len(subjects):
        raise ValueError("`principal` names a subject twice")
    if BOOTSTRAP in subjects:
        raise ValueError(f"`principal`: {BOOTSTRAP!r} is nobody's")
    try:
        for person in people:
            refuse_unclear(person.subject)
            refuse_unclear(person.party or "")
        refuse_alike([BOOTSTRAP, *subjects])
    except UnclearIdentityError as refusal:
        raise ValueError(f"`principal`: {refusal.detail}") from refusal


def _check_secrets(text: str) -> None:
    """Refuse what is no secret, without repeating it."""
    for number, value in enumerate(text.split(), start=1):
        try:
            size = len(base64.urlsafe_b64decode(value.replace("+", "-").replace("/", "_")))
        except ValueError:
            size = 0
        if size != SECRET_BYTES:
            raise ValueError(f"`key_secret`: value {number} is not {SECRET_BYTES} bytes in base64")


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"`peer_networks`: {error}") from error


def _check_workers(config: ServerConfig) -> None:
    if config.workers == 1:
        return
    if config.database_url.startswith("sqlite"):
        raise ValueError(
            "`workers`: more than one process takes PostgreSQL (`database_url`): a SQLite file is"
            " of one process, which alone hears what was done"
        )
    if config.sign_in.oidc is not None:
        raise ValueError(
            "`workers`: a sign-in at a provider (`sign_in.oidc`) is kept by the process that began"
            " it, so it takes one process"
        )


def settlement_currency(config: HubConfig | NodeConfig) -> str:
    """Return the currency of this server's own figures."""
    return config.clearing_currency if isinstance(config, HubConfig) else config.settlement_currency
