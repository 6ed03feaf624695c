"""Look after a server's own keys in its database, while the server runs or not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from federation.accounts import local
from federation.cli.options import shell_user
from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.people import own_keys as acts
from federation.store.database import Database
from federation.store.migrations import require_migrated
from federation.trust import own_keys, store
from federation.trust.key_life import PUBLISHED_BEFORE, Purpose, is_old, is_published
from federation.trust.key_secret import get_secret
from federation.trust.tables import OwnKey
from federation.webhooks import service as webhooks
from federation.wording import counted

Config = HubConfig | NodeConfig


async def list_keys(config: Config, clock: Clock) -> str:
    """Return one line for each key this server ever had, and what is due."""
    async with _database(config, clock) as db, db.read() as session:
        rows = await store.own_keys(session)
    return "\n".join(_line(row, clock()) for row in rows) or "no key: start the server once"


async def make_next(config: Config, purpose: str, clock: Clock) -> str:
    """Make and publish the key that is to sign next; say from when on it may."""
    async with _database(config, clock) as db, db.write("keys.next") as session:
        secret = get_secret(config)
        row = await acts.make_next(session, Purpose(purpose), secret, shell_user(), clock())
        return f"{row.kid} is published; it may sign from {_text(row.made_at + PUBLISHED_BEFORE)}."


async def activate(config: Config, kid: str, urgent_because: str | None, clock: Clock) -> str:
    """Let a key sign."""
    async with _database(config, clock) as db, db.write("keys.activate") as session:
        await acts.activate(session, kid, shell_user(), clock(), urgent_because=urgent_because)
        return f"{kid} signs from now on."


async def retire(config: Config, kid: str, urgent_because: str | None, clock: Clock) -> str:
    """Withdraw a key."""
    async with _database(config, clock) as db, db.write("keys.retire") as session:
        await acts.retire(session, kid, shell_user(), clock(), urgent_because=urgent_because)
        return f"{kid} is published no more."


async def encrypt_again(config: Config, clock: Clock) -> str:
    """Encrypt private keys, one-time codes and webhooks' secrets with the first of the secrets."""
    async with _database(config, clock) as db, db.write("keys.encrypt") as session:
        secret = get_secret(config)
        count = await acts.encrypt_again(session, secret, shell_user())
        codes = await local.encrypt_again(session, secret)
        hooks = await webhooks.encrypt_again(session, secret)
        people = f" So are the one-time codes of {codes} people." if codes else ""
        told = f" So are the secrets of {counted(hooks, 'webhook')}." if hooks else ""
        return f"{count} private keys are encrypted with the first secret.{people}{told}"


@asynccontextmanager
async def _database(config: Config, clock: Clock) -> AsyncGenerator[Database]:
    db = Database(config.database_url, clock=clock)
    try:
        await require_migrated(db)
        yield db
    finally:
        await db.close()


def _line(row: OwnKey, now: datetime) -> str:
    life = own_keys.life_of(row)
    parts = [row.purpose.ljust(10), row.kid, row.state.ljust(11), f"made {_text(row.made_at)}"]
    if row.activated_at is not None:
        parts.append(f"signs from {_text(row.activated_at)}")
    if row.verify_until is not None:
        parts.append(f"checks until {_text(row.verify_until)}")
    if row.retired_at is not None:
        parts.append(f"retired {_text(row.retired_at)}")
    if is_old(life, now):
        parts.append("older than advised")
    elif row.state == "VERIFY_ONLY" and not is_published(life, now):
        parts.append("may be retired")
    return "  ".join(parts)


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
