"""The folder of a trial: its hub's key, its settings, and what the node told it so far."""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from federation.conformance.verdicts import BadTrialError
from federation.signing.keys import InvalidKeyError, SigningKey

SETTINGS, KEY, NODE = "trial.toml", "hub-key.pem", "node.json"
_PORTS: Final = msgspec.Meta(ge=1, le=65_535)
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]
TEMPLATE: Final = """\
# The hub that the kit plays. The node's configuration names it under [hub], as below.
entity_id = "https://trial-hub.example"
host = "127.0.0.1"                  # where it listens
port = {port}
url = "http://127.0.0.1:{port}"        # where the node finds it
member = "conformance-member"       # the id of the member that the kit registers at the node

# In the configuration of the node that is tried:
#
# [hub]
# entity_id = "https://trial-hub.example"
# url = "http://127.0.0.1:{port}"
# key_thumbprint = "{thumbprint}"
#
# Tokens of people at the node, as `federation token` prints them; what has none is not tried.
[bearers]
# node_operator = ""                # applies for admission
# registry_officer = ""             # registers the member, its works, addresses and opt-outs
# site = ""                         # the member's site: asks for its policy, reports usage
# lab = ""                          # a lab: asks for what only others may see
"""


class Bearers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens of people at the node, by their office there."""

    node_operator: _Text | None = None
    registry_officer: _Text | None = None
    site: _Text | None = None
    lab: _Text | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`trial.toml`: who the trial's hub is and where, and as whom the kit may ask."""

    entity_id: _Text
    port: Annotated[int, _PORTS]
    url: _Text
    host: _Text = "127.0.0.1"
    member: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9-]{1,64}\Z")] = "conformance-member"
    bearers: Bearers = Bearers()


def prepare(folder: Path, port: int) -> str:
    """Make the folder of a trial, and return the thumbprint of its hub's key (BAD_TRIAL)."""
    if (folder / SETTINGS).exists():
        raise BadTrialError(f"{folder / SETTINGS} is there already")
    key = SigningKey.generate()
    folder.mkdir(parents=True, exist_ok=True)
    _write_secret(folder / KEY, key.private_bytes())
    text = TEMPLATE.format(port=port, thumbprint=key.kid)
    _write_secret(folder / SETTINGS, text.encode())
    return key.kid


def _write_secret(path: Path, content: bytes) -> None:
    """Write a file that nobody but its owner reads, as one that is not there yet."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BadTrialError(f"{path} is there already") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)


class Papers:
    """What lies in the folder of a trial; what the node told its hub is kept there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.settings = _settings(folder / SETTINGS)
        try:
            self.key = SigningKey.load(folder / KEY)
        except (OSError, InvalidKeyError) as error:
            raise BadTrialError(f"{folder / KEY}: {error}") from error
        try:
            self.node: dict[str, Any] = json.loads((folder / NODE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.node = {}
        except (OSError, ValueError) as error:
            raise BadTrialError(f"{folder / NODE}: {error}") from error

    def keep(self, **told: Any) -> None:
        """Keep what the node told of itself, for this run and the next."""
        self.node |= told
        fresh = self._folder / f"{NODE}.new"
        fresh.write_text(json.dumps(self.node), encoding="utf-8")
        fresh.replace(self._folder / NODE)


def _settings(path: Path) -> Settings:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
    except FileNotFoundError as error:
        raise BadTrialError(f"{path} is not there; --prepare makes it") from error
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise BadTrialError(f"{path}: {error}") from error
