"""What lets servers of tests begin and end in half the time: nothing here changes what a test sees.

Who imports `tests.federation.harness` has it.
"""

import asyncio
from collections.abc import Callable, Hashable
from functools import cache, partial
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import litestar.router
import uvicorn.server
from litestar import Litestar
from litestar._kwargs import KwargsModel
from litestar._signature import SignatureModel
from litestar.utils.signature import ParsedSignature
from sqlalchemy import make_url

from federation.hub import app as hub_app
from federation.nodes import app as node_app
from federation.nodes import entity
from federation.scenario import servers

TICK_SECONDS = 0.01


def make_servers_quick() -> None:
    """Do all of it, once."""
    read_signatures_once()
    register_without_copies()
    put_together_when_asked()
    migrate_once()
    stop_at_once()
    look_often_for_new_keys()


def read_signatures_once() -> None:
    """Let all servers of a run share what their handlers' signatures were read to.

    A run makes hundreds of servers with the same handlers, and each would read every signature
    anew: half of what making a server took. Two handlers of the same code and the same
    annotations are read to the same; where something cannot be compared, it is read again.
    """
    _ask_once(ParsedSignature, "from_fn", _of_function)
    _ask_once(SignatureModel, "create", _of_signature)
    _ask_once(KwargsModel, "create_for_signature_model", _of_model)


def register_without_copies() -> None:
    """Let a server take its routers as they are, not copies: each is made for one server.

    Copying every handler in them took a third of what making a server took.
    """
    litestar.router.deepcopy = lambda router: router


def put_together_when_asked() -> None:
    """Let a server put its doors together with the first request that comes.

    To start four servers where a test speaks to one of them was a tenth of what tests of
    federations took; a door that cannot be registered is an error all the same, of that request.
    """
    for module in (hub_app, node_app):
        module.Litestar = _WhenAsked


class _WhenAsked:
    """An application of Litestar that is made once somebody asks it."""

    def __init__(self, **parts: Any) -> None:
        self._made = cache(partial(Litestar, **parts))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._made()(scope, receive, send)
            return
        for part in ("startup", "shutdown"):  # none of our servers has anything to do in its own
            await receive()
            await send({"type": f"lifespan.{part}.complete"})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)


def migrate_once() -> None:
    """Let the scenarios of a run copy the database that the first of them migrated."""
    upgrade, migrated = servers.upgrade_database, list[bytes]()

    async def once(url: str) -> None:
        file = Path(make_url(url).database or "")
        if migrated:
            file.write_bytes(migrated[0])  # noqa: ASYNC240 - a megabyte
        else:
            await upgrade(url)
            migrated.append(file.read_bytes())  # noqa: ASYNC240

    servers.upgrade_database = once


def stop_at_once() -> None:
    """Let a server that stops look more often whether it is done.

    Its library looks every 100 ms, twice or thrice, and a run stops servers hundreds of times.
    """

    async def tick(seconds: float) -> None:
        await asyncio.sleep(min(seconds, TICK_SECONDS))

    uvicorn.server.asyncio = SimpleNamespace(**{**vars(asyncio), "sleep": tick})


def look_often_for_new_keys() -> None:
    """Let a node see at once what a command, which is another process, did to its keys.

    In life it looks every ten seconds, and for so long a test of a key would wait, often twice.
    """
    entity.LOOK_SECONDS, entity.OTHERS_SECONDS = 0.2, 0.5


def _ask_once(owner: type[Any], name: str, same: Callable[..., Hashable]) -> None:
    """Keep what a class method returned, by what its arguments have in common."""
    make, made = getattr(owner, name).__func__, dict[Any, Any]()

    def once(cls: type[Any], *arguments: Any, **named: Any) -> Any:
        try:
            key = cls, same(*arguments, **named)
            known = made.get(key)  # hashed once
        except TypeError:  # no hash, or no function
            return make(cls, *arguments, **named)
        if known is None:
            # What an id is of stays with it: no other object gets the same.
            known = made[key] = make(cls, *arguments, **named), arguments, named
        return known[0]

    setattr(owner, name, classmethod(once))


def _of_function(fn: Any, signature_namespace: dict[str, Any]) -> Hashable:
    if not isinstance(fn, FunctionType):
        raise TypeError
    # By their ids, for `typing` makes the same of the same and hashing them is slow.
    hints = tuple((name, id(hint)) for name, hint in fn.__annotations__.items())
    names = frozenset(signature_namespace.items())
    return fn.__code__, fn.__module__, fn.__defaults__, hints, names


def _of_signature(*, fn: Any, parsed_signature: Any, type_decoders: Any, **others: Any) -> Hashable:
    named = frozenset(others.pop("dependency_name_set"))
    # Litestar makes a `partial` of the same function for every server.
    decoders = tuple((fits, getattr(decode, "func", decode)) for fits, decode in type_decoders)
    return fn.__code__, id(parsed_signature), decoders, named, *others.items()


def _of_model(*, signature_model: Any, path_parameters: Any, **others: Any) -> Hashable:
    if others["dependencies"] or others["layered_parameters"]:
        raise TypeError
    return id(signature_model), frozenset(path_parameters)
