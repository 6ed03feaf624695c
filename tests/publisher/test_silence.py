"""Pages were granted, and nginx's log says nothing of them."""

import logging

import pytest

from federation.publisher.silence import SILENT_SECONDS, Silence, told_silent


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def silence(tmp_path, clock):
    return Silence(tmp_path / "served.log", tmp_path, clock)


def test_a_minute_after_pages_were_granted_a_silent_log_is_said_once(
    silence, clock, tmp_path, caplog
):
    silence.round()
    for _ in range(3):
        silence.granted()
    clock.now = SILENT_SECONDS - 1
    silence.round()
    assert (told_silent(tmp_path), caplog.records) == (None, [])

    clock.now = SILENT_SECONDS
    silence.round()
    silence.round()

    told = f"LOG_SILENT: 3 pages were granted and {tmp_path}/served.log has no line of it"
    assert told_silent(tmp_path) == told
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"{told} - is it the path of access_log")


def test_lines_that_come_end_the_silence_and_the_next_one_is_said_anew(
    silence, clock, tmp_path, caplog
):
    silence.granted()
    clock.now = SILENT_SECONDS
    silence.round()
    silence.heard()
    silence.round()
    assert told_silent(tmp_path) is None

    silence.granted()
    clock.now = 2 * SILENT_SECONDS - 1
    silence.round()
    assert told_silent(tmp_path) is None
    clock.now = 2 * SILENT_SECONDS
    silence.round()

    assert told_silent(tmp_path).startswith("LOG_SILENT: 1 page was granted and ")
    assert len(caplog.records) == 2
