"""Forms that programs and browsers send: read once, and strictly, so that nobody reads two ways."""

from typing import ClassVar, Final
from urllib.parse import parse_qsl

from federation.errors import RefusalError

FORM: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 32


class BadFormError(RefusalError):
    """The form cannot be read."""

    code: ClassVar[str] = "BAD_FORM"


def read_fields(text: str | bytes, *, fields_max: int = FIELDS_MAX) -> dict[str, str]:
    """Return the fields of a form or of a query string, each there once (BAD_FORM).

    One without a value counts as left out (RFC 6749 §3.1).
    """
    if not text:
        return {}
    try:
        written = text.decode() if isinstance(text, bytes) else text
        pairs = parse_qsl(
            written,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=fields_max,
        )
    except ValueError as error:
        raise BadFormError("NO_FORM") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadFormError("PARAMETER_TWICE")
    return {name: value for name, value in fields.items() if value}
