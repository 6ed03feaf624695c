"""A node's statement of a month it has just distributed."""

from dataclasses import replace
from datetime import datetime

import msgspec

from federation.distribution import store
from federation.documents import store as documents
from federation.documents.service import CSV, JSON, Heading, issue
from federation.documents.statement_files import statement_csv, statement_json
from federation.documents.statement_inputs import statement_inputs
from federation.documents.statements import build_statement, statement_subject
from federation.documents.tables import Document
from federation.ledger import balance_store
from federation.ledger.accounts import Accounts
from federation.settlement.computed import ComputedRun
from federation.store.sessions import WriteSession
from federation.values.party import HUB


async def issue_statement(
    session: WriteSession, code: str, run: ComputedRun, now: datetime
) -> Document:
    """At a node: issue its statement of a period it has just distributed, as JSON and CSV."""
    document = run.document
    done = [row.document for row in await store.distributions(session)]
    last = await documents.last_document(session, code, "STM", document.period)
    remitted, adjusted = await balance_store.moved_since_last_run(
        session,
        Accounts(code).due(HUB),
        document.collectives[code].settlement_currency,
        document.period,
    )
    inputs = replace(
        statement_inputs(code, document, run.result, run.run_id, done),
        opening=closing_of(last),
        remitted=remitted,
        adjusted=adjusted,
    )

    def forms(number: str) -> dict[str, bytes]:
        statement = build_statement(replace(inputs, statement_no=number))
        return {JSON: statement_json(statement), CSV: statement_csv(statement)}

    period = document.period
    heading = Heading(code, "STM", statement_subject(period), now.date(), period)
    return await issue(session, heading, forms)


def closing_of(statement: Document | None) -> int:
    """Return what a statement closed with, 0 before the first one."""
    if statement is None:
        return 0
    return int(msgspec.json.decode(statement.body)["account"]["closing"])
