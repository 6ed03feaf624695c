"""`federation-site init CODE`: from one code of the collective to the file of a site."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from federation.access.wire import Call, Fetch, fetch
from federation.clock import Clock, system_clock
from federation.errors import RefusalError, answered
from federation.signing.enrolment import (
    ANSWER_BYTES_MAX,
    Enrolment,
    SiteCode,
    known_keys,
    read_code,
    read_enrolment,
)
from federation.site.settings import Client, Settings, SettingsError, write_settings


class NotEnrolledError(RefusalError):
    """The node gave this site nothing."""

    code: ClassVar[str] = "NOT_ENROLLED"


class WrongNodeError(RefusalError):
    """Whoever answers at the node's address has none of the keys that the code names."""

    code: ClassVar[str] = "WRONG_NODE"


def install(
    text: str, path: Path, *, clock: Clock = system_clock, fetch: Fetch = fetch
) -> Settings:
    """Take a code and write the site's file. A code is good once: nothing is asked in vain."""
    code = read_code(text)
    if path.exists():
        raise SettingsError(f"{path} is there already: move it away first")
    _require_the_node(code, fetch)
    found = _enrol(code, clock, fetch)
    settings = Settings(
        node=found.node,
        member=found.member,
        node_keys=found.node_keys,
        hub_keys=found.hub_keys,
        client=Client(found.client_id, found.client_secret),
        origins=found.origins,
    )
    write_settings(path, settings)
    return settings


def _require_the_node(code: SiteCode, fetch: Fetch) -> None:
    """Refuse another server before it is told the secret."""
    answer = fetch(Call("GET", f"{code.node}/.well-known/federation", {}))
    try:
        said: Any = msgspec.json.decode(answer.body, type=dict[str, Any]).get("jwks")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = None
    if not known_keys(said, code):
        raise WrongNodeError(code.node)


def _enrol(code: SiteCode, clock: Clock, fetch: Fetch) -> Enrolment:
    body = msgspec.json.encode({"secret": code.secret})
    headers = {"Content-Type": "application/json", "Accept": "application/jwt"}
    url = f"{code.node}/sites/enrol"
    answer = fetch(Call("POST", url, headers, body, ANSWER_BYTES_MAX))
    if answer.status != HTTPStatus.OK:
        raise NotEnrolledError(answered(answer.status, answer.body))
    return read_enrolment(answer.body.strip(), code, clock())
