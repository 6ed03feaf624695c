"""What the servers write to standard error: one JSON object a line, lines for people on a TTY.

Credentials never reach a line: neither under a name that says so nor inside a text.
"""

import logging
import re
import sys
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from federation.errors import RefusalError

REDACTED: Final = "[redacted]"

_SECRET_NAME = re.compile(r"authorization|token|secret|password|cookie", re.IGNORECASE)
_SECRET_TEXT = (
    (re.compile(r"\b((?i:bearer|license|basic|dpop))\s+[\w.~+/=-]{16,}"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"\b(cc_[0-9a-f]{16})_[\w-]{20,}"), rf"\1_{REDACTED}"),
    (re.compile(r"(://[^\s:/@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    (re.compile(r"([?&](?:ssl)?password=)[^\s&\"']+"), rf"\1{REDACTED}"),
)
_QUIET = {
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "litestar": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "asyncio": logging.WARNING,
    "alembic": logging.WARNING,
    "authlib": logging.WARNING,  # below that it writes tokens
}


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send structlog's lines and the libraries' to `stream` in one format, from `level` upwards."""
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(is_terminal=stream.isatty()))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(number, quiet))


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(*, is_terminal: bool) -> structlog.stdlib.ProcessorFormatter:
    render: Processor = structlog.processors.JSONRenderer()
    if is_terminal:
        # The traceback is a redacted text by then, so there is nothing to make pretty.
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(exception_formatter=plain)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            without_trace,
            structlog.processors.format_exc_info,
            redact,
            render,
        ],
    )


def without_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Say a refusal by its code and sentence, where the line would have its traceback."""
    refusal = event.get("exc_info")
    if refusal is True:
        refusal = sys.exception()
    if isinstance(refusal, tuple):
        refusal = refusal[1]
    if not isinstance(refusal, RefusalError):
        return event
    kept = {name: value for name, value in event.items() if name != "exc_info"}
    return {**kept, "code": refusal.code, "reason": refusal.message}


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blot out credentials: by the name of a value, and by the look of a text."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, dict):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", inner) for inner in value]
    return _without_secrets(value) if isinstance(value, str) else value


def _without_secrets(text: str) -> str:
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text
