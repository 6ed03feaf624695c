"""What a usage line rests on: who saw that a licensed crawler took the page."""

from enum import StrEnum


class Evidence(StrEnum):
    """From the strongest to the weakest; a line that says nothing rests on a gate."""

    GATE = "GATE"
    """A gate checked the token when the page was served, or a lab counted for itself."""
    TOKEN_LOGGED = "TOKEN_LOGGED"  # noqa: S105 - no secret
    """A server's log shows a licence token, which nobody checked when the page was served."""
    AGENT_LOGGED = "AGENT_LOGGED"
    """A server's log shows the user agent that a licence names; anybody can send one."""
