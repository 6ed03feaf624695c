"""Who may do what at this server, what is proposed about it, and what everybody did."""

from federation.console.people.audit import AUDIT_PAGE
from federation.console.people.directory import PEOPLE_PAGE
from federation.console.people.person import PERSON_PAGE

PEOPLE = (PEOPLE_PAGE, PERSON_PAGE, AUDIT_PAGE)
