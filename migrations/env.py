"""Runs the one history of hub and node on the connection the caller opened."""

from alembic import context
from sqlalchemy import TypeDecorator

import federation.accounts.tables
import federation.banking.tables
import federation.bankstatements.tables
import federation.claimindex.tables
import federation.clients.tables
import federation.console.tables
import federation.disputes.tables
import federation.distribution.tables
import federation.documents.tables
import federation.history.tables
import federation.holdings.tables
import federation.ledger.tables
import federation.licensing.tables
import federation.mandates.tables
import federation.metering.tables
import federation.months.tables
import federation.payments.tables
import federation.people.tables
import federation.proposals.tables
import federation.provenance.tables
import federation.registry.tables
import federation.registryimports.tables
import federation.reservations.tables
import federation.rightholders.tables
import federation.runs.tables
import federation.store.tables
import federation.successions.tables
import federation.suspense.tables
import federation.trust.tables
import federation.visits.tables
import federation.webhooks.tables
import federation.works.tables  # noqa: F401 - imported for their tables
from federation.store.base import Base


def render_item(kind: str, item: object, autogen: object) -> str | bool:  # noqa: ARG001
    """Spell our column types as plain ones: a released migration must not depend on code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl_instance).__name__}()"
    return False


def include_name(name: str | None, kind: str, parents: object) -> bool:  # noqa: ARG001
    """Leave out full-text indexes: each database has its own kind, which no model describes."""
    return not (kind in {"table", "index"} and "_version_words" in (name or ""))


def include_object(_: object, name: str | None, kind: str, *rest: object) -> bool:  # noqa: ARG001
    """Leave out indexes of expressions: neither database says one as it was written."""
    return not (kind == "index" and (name or "").endswith("_place"))


connection = context.config.attributes["connection"]


context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
    include_name=include_name,
    include_object=include_object,
)


with context.begin_transaction():
    context.run_migrations()
