"""What a server is told at its start: a TOML file, then the environment on top of it.

Every field can be overridden by `FEDERATION_` and its path in capitals (`FEDERATION_PORT`,
`FEDERATION_HUB_URL`), and read from a file by the same name with `_FILE`, as secrets are handed
over; lists and tables are written as JSON there. What is not known is refused, in the file and in
the environment alike: a misspelt limit must not pass for the default.
"""

import base64
import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
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

PREFIX = "FEDERATION_"
KEY_SECRET_FILE = "FEDERATION_KEY_SECRET_FILE"  # noqa: S105 - the name of a variable
SECRET_BYTES = 32  # of a key-encryption secret
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OF_CLIENTS = frozenset({"FEDERATION_URL", "FEDERATION_TOKEN"})  # of commands that ask a server

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
    roles: list[Role]
    party: str | None = None


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of usage, in thousandths: by content tier and by use."""

    tier_weight: dict[str, Weight]
    use_weight: dict[str, Weight]

    def __post_init__(self) -> None:
        _check_ids(self.tier_weight)
        _check_ids(self.use_weight)


class HubPeer(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub as a node knows it."""

    entity_id: EntityId
    url: Url
    key_thumbprint: str

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
    client_id: Name
    label: Name = "Sign in with your organisation"
    client_secret_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.client_secret_file is None) == (self.key_file is None):
            raise ValueError("one of `client_secret_file` and `key_file` is named")
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("`issuer` is https, or on this machine")


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """How people sign in in a browser: by passwords of this server, at a provider, or either."""

    local: bool = True
    oidc: Provider | None = None


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What hub and node have in common. A port of 0 is chosen by the system."""

    entity_id: EntityId
    data_dir: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    public_url: Url | None = None
    database_url: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    principal: list[StaffMember] = []
    sign_in: SignIn = SignIn()
    account: str | None = None
    account_scheme: Literal["IBAN", "OTHER"] = "IBAN"
    bic: str | None = None
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


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """When a month is closed: days are of the month that follows it.

    A usage report is due at the end of `cut_off_day`, or of a sender's own day; reminders are due
    so many days before; in the round of a correction the days are counted from the day on which it
    was opened. Nodes may object to an advised run for `objection_days`; silence concurs.
    """

    cut_off_day: Annotated[int, Meta(ge=1, le=28)] = 5
    senders: dict[Code, Annotated[int, Meta(ge=1, le=28)]] = {}
    reminder_days: tuple[Annotated[int, Meta(ge=0, le=27)], ...] = (3, 1)
    objection_days: Annotated[int, Meta(ge=0, le=90)] = 10


class Adjustments(Struct, frozen=True, forbid_unknown_fields=True):
    """How far back corrections reach and what is too small for one (SETTLEMENT §7).

    `de_minimis` is in minor units of the clearing currency: a correction that moves less, all
    differences added up, is refused. Debits left after `set_off_periods` go to the reserve.
    """

    window_periods: Annotated[int, Meta(ge=0, le=60)] = 3
    de_minimis: Annotated[int, Meta(ge=0)] = 0
    set_off_periods: Annotated[int, Meta(ge=1, le=60)] = 12


class HubConfig(ServerConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The federation's counter and clearing house."""

    name: Name
    clearing_currency: Currency
    fee_bps: Bps
    fee_band_bps: tuple[Bps, Bps]
    terms: Terms
    national_fee_bps: Bps = -1  # stands for fee_bps
    calendar: Calendar = Calendar()
    adjustments: Adjustments = Adjustments()
    payment_days: Annotated[int, Meta(ge=0, le=365)] = 10  # from approval to the value date

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
    name: Name
    country: Country
    settlement_currency: Currency
    admin_fee_bps: Bps
    collecting_fee_bps: Bps
    minimum_payment: Annotated[int, Meta(ge=0)]
    plan: Plan
    hub: HubPeer
    base_bps: Bps | None = None
    tiers: dict[str, Tier] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_currency("settlement_currency", self.settlement_currency)
        require_fitting(self.plan, self.base_bps, self.tiers)


Config = TypeVar("Config", bound=ServerConfig)


def load_hub_config(path: Path, environ: Mapping[str, str] = os.environ) -> HubConfig:
    """Read a hub's configuration; a relative `data_dir` stands beside the file."""
    return _load(path, environ, HubConfig)


def load_node_config(path: Path, environ: Mapping[str, str] = os.environ) -> NodeConfig:
    """Read a node's configuration; a relative `data_dir` stands beside the file."""
    return _load(path, environ, NodeConfig)


def _load(path: Path, environ: Mapping[str, str], kind: type[Config]) -> Config:
    values = _read(path)
    if kind is NodeConfig and "clearing_currency" in values:
        raise ConfigError(f"{path}: this is a hub's configuration")
    if kind is HubConfig and "settlement_currency" in values:
        raise ConfigError(f"{path}: this is a node's configuration")
    _override(values, environ, kind)
    try:
        return msgspec.convert(values, kind, dec_hook=partial(_beside, path.parent))
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _override(values: dict[str, Any], environ: Mapping[str, str], kind: type[Struct]) -> None:
    """Lay the variables over the values of the file, each read as the type of its field."""
    fields = {PREFIX + "_".join(steps).upper(): (steps, of) for steps, of in _paths(kind)}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        if variable in OF_CLIENTS:
            continue
        name = variable if variable in fields else variable.removesuffix("_FILE")
        if name not in fields:
            raise ConfigError(f"{variable}: no such field")
        if name != variable and name in environ:
            raise ConfigError(f"{variable}: {name} is set as well")
        steps, of = fields[name]
        text = environ[variable] if name == variable else _secret(variable, environ[variable])
        _set(values, steps, _value(variable, text, of))


def _paths(kind: type[Struct]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every field that the environment can reach, with the steps that lead to it."""
    for field in msgspec.structs.fields(kind):
        yield (field.name,), field.type
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            for steps, of in _paths(field.type):
                yield (field.name, *steps), of


def _secret(variable: str, path: str) -> str:
    """Read a file by which a secret is handed over: to this user, or to its group."""
    try:
        if variable == KEY_SECRET_FILE and Path(path).stat().st_mode & stat.S_IROTH:
            raise ConfigError(f"{variable}: everybody may read {path}; chmod 600")
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{variable}: {path} cannot be read") from error


def _value(variable: str, text: str, of: Any) -> Any:
    """Read a variable as text if its field takes text, else as JSON."""
    read = partial(msgspec.convert, type=of, dec_hook=partial(_beside, Path()))
    try:
        read(text)
    except msgspec.ValidationError as refused:
        try:
            value = msgspec.json.decode(text)
            read(value)
        except ValueError as error:
            refusal = error if isinstance(error, msgspec.ValidationError) else refused
            raise ConfigError(f"{variable}: {refusal}") from error
        return value
    return text


def _beside(folder: Path, kind: type, value: object) -> object:
    """Read a path; a relative one starts from `folder`."""
    if kind is Path and isinstance(value, str) and value:
        return (folder / value).absolute()
    raise ValueError(f"{value!r} is no path")


def _set(values: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    for step in steps[:-1]:
        inner = values.get(step)
        values[step] = values = inner if isinstance(inner, dict) else {}
    values[steps[-1]] = value


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


def settlement_currency(config: HubConfig | NodeConfig) -> str:
    """Return the currency of this server's own figures."""
    return config.clearing_currency if isinstance(config, HubConfig) else config.settlement_currency
