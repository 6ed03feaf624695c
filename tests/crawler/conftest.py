"""A server as a crawler sees it: it answers in turn what a test put there, and notes each call."""

import json
from datetime import UTC, datetime

import pytest

from federation.access.wire import Answer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def data(**minted):
    return Answer(200, {}, json.dumps({"data": {"minted": minted}}).encode())


def refused(code, message="No."):
    return data(__typename="Refused", code=code, message=message)


class Server:
    """Answers what stands in `answers`, and the last one from then on."""

    def __init__(self):
        self.answers, self.calls = [], []

    def __call__(self, call):
        self.calls.append(call)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def server():
    return Server()
