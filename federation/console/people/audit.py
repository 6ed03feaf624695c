"""The audit log: who did what to what, newest first."""

from federation.console import words
from federation.console.page import N_, Document, Page
from federation.values.roles import MAY_READ_AUDIT_LOG

AUDIT_PAGE = Page(
    path="/audit",
    title=N_("Audit log"),
    group=words.AUDIT,
    shown_to=MAY_READ_AUDIT_LOG.roles,
    template="people/audit.html",
    document=Document("people/audit.graphql"),
    view=lambda data, _: {"found": data["auditLog"]},
)
