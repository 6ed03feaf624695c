"""Who may do what at this server: what is proposed about people, judged by another person."""

from federation.console.people.directory import PEOPLE_PAGE
from federation.console.people.person import PERSON_PAGE

PEOPLE = (PEOPLE_PAGE, PERSON_PAGE)
