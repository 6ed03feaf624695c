"""What must hold of the audit log and of the directory: I22, asked by `federation check`."""

from itertools import groupby

import msgspec

from federation.people import store
from federation.people.audit import Act
from federation.people.chain import broken
from federation.people.directory import detail_of
from federation.people.tables import AuditAct, PersonVersion
from federation.store.canonical import canonical
from federation.store.invariants import BooksInvariant, Check
from federation.store.sessions import ReadSession
from federation.values.identity import BOOTSTRAP


async def audit_log_chained(session: ReadSession, here: str) -> Check:
    """I22: each act's hash follows from its content and from the act before it; none is missing."""
    del here
    return await broken(store.links(session))


async def people_as_recorded(session: ReadSession, here: str) -> Check:
    """I22: what each person is and was is what the audit log says was confirmed, and when it ended.

    So whoever gives himself a role in the database is named.
    """
    del here
    acts = await store.acts_of_words(session, [Act.PERSON_TAKE_IN, Act.PERSON_CONFIRM])
    recorded = {(act.subject, _version(act)): act for act in acts}
    rows, wrong = await store.ever_in_force(session), list[str]()
    for subject, versions in groupby(rows, key=lambda row: row.subject):
        of_one = list(versions)
        for row, after in zip(of_one, [*of_one[1:], None], strict=True):
            what = f"{subject}, version {row.version}"
            act = recorded.pop((subject, str(row.version)), None)
            if act is None or not _says(act, row):
                wrong.append(f"{what}: is not what the audit log says")
            if row.valid_to != (after.valid_from if after else None):
                wrong.append(f"{what}: ends at another instant than the next begins")
    wrong += [f"{subject}, version {version}: is gone" for subject, version in recorded]
    return len(rows), wrong


def _version(act: AuditAct) -> str:
    return msgspec.json.decode(act.detail, type=dict[str, str]).get("version", "")


def _says(act: AuditAct, row: PersonVersion) -> bool:
    kind = Act.PERSON_CONFIRM if row.confirmed_by else Act.PERSON_TAKE_IN
    actor = row.confirmed_by or BOOTSTRAP
    detail = canonical(detail_of(row)).decode()
    return (act.act, act.actor, act.detail) == (kind.value, actor, detail)


INVARIANTS = (
    BooksInvariant(
        "I22",
        "audit_log_chained",
        "every act commits to its content and to all before it",
        audit_log_chained,
    ),
    BooksInvariant(
        "I22",
        "people_as_recorded",
        "the directory says of everybody what the audit log says was confirmed",
        people_as_recorded,
    ),
)
