"""What the import needs of `federation-site.json`: the node, the site's client, its addresses."""

from pathlib import Path
from typing import ClassVar

import msgspec

from federation.access.bearers import ClientCredential
from federation.errors import RefusalError
from federation.site.events import Unit


class SettingsError(RefusalError):
    """The site's configuration cannot be read."""

    code: ClassVar[str] = "BAD_SITE_CONFIGURATION"


class _Client(msgspec.Struct, frozen=True):
    id: str
    secret: str


class _File(msgspec.Struct, frozen=True):
    node: str
    client: _Client
    origins: list[str]
    directory: str = "state"
    unit: Unit = Unit.REQUEST


class Settings(msgspec.Struct, frozen=True):
    """Where usage goes, whose it is, and under which addresses the site answers."""

    node: str
    client: ClientCredential
    origins: list[str]
    directory: Path
    unit: Unit


def read_settings(path: Path) -> Settings:
    """Return what the import needs of a site's configuration; the rest is the gate's."""
    try:
        said = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    return Settings(
        node=said.node,
        client=ClientCredential(client_id=said.client.id, secret=said.client.secret),
        origins=said.origins,
        directory=path.parent / said.directory,
        unit=said.unit,
    )
