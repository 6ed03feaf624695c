import io
import json
import logging

import pytest
import structlog

from federation.errors import LaterError
from federation.logs import REDACTED, configure, get_logger


@pytest.fixture
def lines():
    """Configure the logs into a text, and hand out what it says as objects."""
    root, logging_before = logging.getLogger(), structlog.get_config()
    before = (root.level, root.handlers[:])
    stream = io.StringIO()
    configure("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.configure(**logging_before)


def test_what_servers_of_tests_log_is_no_output_of_a_command_beside_them(capsys):
    get_logger("federation.hub").warning("licence refused")

    out, err = capsys.readouterr()
    assert (out, "licence refused" in err) == ("", True)


def test_a_line_is_one_json_object(lines):
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        get_logger("federation.hub").info("licence accepted", number="HUB-000001")

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "licence accepted",
        "level": "info",
        "logger": "federation.hub",
        "number": "HUB-000001",
        "request_id": "r1",
    }


def test_no_credential_reaches_a_line(lines):
    token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJl"

    get_logger("federation.hub").warning(
        f"sent Authorization: License {token}",
        headers={"Authorization": f"License {token}", "Accept": "*/*"},
        access_token=token,
        tried=[f"got {token}", 7],
        url="postgresql+asyncpg://hub:swordfish@db/hub",
        others=[
            "postgresql://:swordfish@db/hub",
            "postgresql://db/hub?password=sword%20fish&port=1",
        ],
    )

    (line,) = lines()
    assert line["event"] == f"sent Authorization: License {REDACTED}"
    assert line["headers"] == {"Authorization": REDACTED, "Accept": "*/*"}
    assert line["access_token"] == REDACTED
    assert line["tried"] == [f"got {REDACTED}", 7]
    assert line["url"] == f"postgresql+asyncpg://hub:{REDACTED}@db/hub"
    assert line["others"] == [
        f"postgresql://:{REDACTED}@db/hub",
        f"postgresql://db/hub?password={REDACTED}&port=1",
    ]


def test_the_text_of_an_exception_is_redacted_too(lines):
    error = KeyError("Bearer 0123456789abcdef0123456789")
    get_logger("federation.hub").error("defect", exc_info=error)

    (line,) = lines()
    assert "KeyError" in line["exception"]
    assert "0123456789abcdef" not in line["exception"]


def test_the_sentence_about_a_license_stays_readable(lines):
    get_logger("federation.hub").info("no license for crawling was shown")

    assert lines()[0]["event"] == "no license for crawling was shown"


def test_a_terminal_gets_lines_for_people(lines):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    configure("info", terminal)
    get_logger("federation.hub").error("defect", exc_info=KeyError("Bearer 0123456789abcdef01"))

    assert "defect" in terminal.getvalue()
    assert f"KeyError: 'Bearer {REDACTED}'" in terminal.getvalue()
    assert lines() == []


def test_the_libraries_speak_in_the_same_format_and_only_when_it_matters(lines):
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("some.library").warning("careful: %s", "here")

    assert [(line["logger"], line["event"]) for line in lines()] == [
        ("some.library", "careful: here")
    ]


def test_a_refusal_in_the_background_is_a_line_without_its_traceback(lines):
    get_logger("relay").error("not delivered", exc_info=LaterError("later"))

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "not delivered",
        "level": "error",
        "logger": "relay",
        "code": "LATER",
        "reason": LaterError("later").message,
    }
