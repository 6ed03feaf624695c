"""Where a database is, as its usual URLs say it: what the drivers are given, what people are told.

PostgreSQL's parameters are read by its driver as PostgreSQL's own programs read them (`sslmode`,
`sslrootcert`, `host`, `options`, …).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from federation.errors import RefusalError

CONNECT_SECONDS: Final = 10  # until a server that does not answer counts as down
_SQLITE: Final = frozenset({"sqlite", "sqlite+aiosqlite"})
_POSTGRES: Final = frozenset(
    {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
)
_PASSWORD: Final = "password"  # noqa: S105 - the name of a parameter
_AS_LIBPQ: Final = {"ssl": "sslmode"}  # how SQLAlchemy's URLs of this driver spell it
# Of libpq alone: the driver keeps connections alive by itself, and would send these to the server.
_LEFT_OUT: Final = frozenset(
    {
        "gssencmode",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "connect_timeout",
        "prepared_statement_cache_size",
    }
)


class BadDatabaseUrlError(RefusalError):
    """`database_url` is no address of a database that servers can use."""

    code: ClassVar[str] = "BAD_DATABASE_URL"


class Location(NamedTuple):
    """A database: the dialect's URL, what else the driver is given, and how to speak of it.

    `place` names it without a password.
    """

    url: URL
    arguments: Mapping[str, Any]
    place: str


def is_sqlite(text: str) -> bool:
    """Tell whether a database is a file of SQLite."""
    return text.startswith("sqlite")


def locate(text: str) -> Location:
    """Read `sqlite:///…` or `postgresql://…` in any usual spelling (BAD_DATABASE_URL)."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrlError("it is no URL, as postgresql://user@host/name is") from None
    if url.drivername in _SQLITE:
        return Location(url.set(drivername="sqlite+aiosqlite"), {}, f"{url.database or ':memory:'}")
    if url.drivername not in _POSTGRES:
        raise BadDatabaseUrlError(f"{url.drivername}: postgresql:// and sqlite:/// are known")
    return _postgres(url)


def _postgres(url: URL) -> Location:
    query = {_AS_LIBPQ.get(name, name): value for name, value in url.query.items()}
    if query.pop("channel_binding", "prefer") == "require":
        raise BadDatabaseUrlError("channel_binding=require is not offered here; leave it out")
    seconds = query.get("connect_timeout", CONNECT_SECONDS)
    kept = {name: value for name, value in query.items() if name not in _LEFT_OUT}
    plain = url.set(drivername="postgresql", query=kept)
    bare = plain.set(query={name: kept[name] for name in ("host", "port") if name in kept})
    try:
        arguments = {
            "dsn": plain.render_as_string(hide_password=False),
            "timeout": _number(seconds),
        }
    except ValueError:
        raise BadDatabaseUrlError("connect_timeout is a number of seconds") from None
    # The driver reads the URL itself; SQLAlchemy would take only the parameters that it knows.
    return Location(URL.create("postgresql+asyncpg"), arguments, bare.render_as_string())


def _number(seconds: Any) -> float:
    return float(seconds) or CONNECT_SECONDS


def apart_from_password(text: str) -> tuple[str, str | None]:
    """Return a URL of PostgreSQL for its own programs, and the password: no command line has it."""
    at = make_url(locate(text).arguments["dsn"])
    query = {name: value for name, value in at.query.items() if name != _PASSWORD}
    plain = URL.create("postgresql", at.username, None, at.host, at.port, at.database, query)
    password = at.query.get(_PASSWORD) if at.password is None else at.password
    return plain.render_as_string(), None if password is None else str(password)
