"""The secrets that a server keeps beside its database, and their way through a backup."""

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from federation.backup.sealing import RecoveryKeyWrongError
from federation.clients.secret import FILE as PEPPER_FILE
from federation.config import HubConfig, NodeConfig
from federation.edge.keys import PLAIN_FILE
from federation.trust.key_secret import SECRET_FILE
from federation.trust.private_files import make_once, read_private

_FILES: Final = (SECRET_FILE, PEPPER_FILE, PLAIN_FILE)
_Name = Literal["key.secret", "client-secrets.pepper", "key.pem"]
_Content = Annotated[str, Meta(max_length=64 * 1024)]


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose secrets they are, and what each file holds, in base64."""

    entity_id: str
    files: dict[_Name, _Content]


def collected(config: HubConfig | NodeConfig) -> bytes | None:
    """Return a server's secrets as they are sealed; None where it has none yet.

    What is configured (`key_secret`) stands where its file would: a new machine may not know it.
    """
    found: dict[str, bytes] = {}
    for name in _FILES:
        path = config.data_dir / name
        if path.exists():
            found[name] = read_private(path)
    if config.key_secret:
        found[SECRET_FILE] = config.key_secret.encode()
    if not found:
        return None
    files = {name: base64.b64encode(content).decode() for name, content in found.items()}
    return msgspec.json.encode({"entity_id": config.entity_id, "files": files})


def read_sealed(plain: bytes, config: HubConfig | NodeConfig) -> Mapping[str, bytes]:
    """Return {file: content} of a server's own secrets (RECOVERY_KEY_WRONG for another's)."""
    try:
        found = msgspec.json.decode(plain, type=_Sealed)
        files: dict[str, bytes] = {
            name: base64.b64decode(content, validate=True) for name, content in found.files.items()
        }
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error) as error:
        raise RecoveryKeyWrongError(f"what was sealed is not read: {error}") from error
    if found.entity_id != config.entity_id:
        raise RecoveryKeyWrongError(f"they are {found.entity_id}'s, not {config.entity_id}'s")
    if config.key_secret:
        files.pop(SECRET_FILE, None)  # what is configured is used, and the file would not be
    return files


def put_back(files: Mapping[str, bytes], folder: Path) -> None:
    """Write each file, nobody else's to read."""
    for name, content in files.items():
        make_once(folder / name, partial(bytes, content))
