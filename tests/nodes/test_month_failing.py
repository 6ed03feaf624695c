"""Why a month does not go on, every worker of a node knows: the one that leads says it."""

from types import SimpleNamespace

import pytest

from federation.nodes.month import MonthWorker


class OneLine:
    """The databases of two workers, as far as what one says the other hears."""

    def __init__(self):
        self.said, self._listeners = [], []

    def listen_text(self, _, hear):
        self._listeners.append(hear)

    def say(self, _, text):
        self.said.append(text)
        for hear in self._listeners:
            hear(text)


@pytest.fixture
def workers():
    line = OneLine()
    return [MonthWorker(SimpleNamespace(db=line, failed_months={}), None) for _ in range(2)]


def test_a_month_that_fails_is_known_at_each_worker_until_it_goes_on(workers):
    leading, other = workers

    leading._say({"2026-08": "RATE_MISSING"})
    assert other._server.failed_months == {"2026-08": "RATE_MISSING"}

    leading._say({})
    leading._say({})
    assert other._server.failed_months == {}
    assert leading._server.db.said == ['{"2026-08":"RATE_MISSING"}', "{}"]  # and then no more


def test_a_worker_that_leads_from_now_on_says_that_no_month_fails(workers):
    leading, other = workers
    leading._say({"2026-08": "RATE_MISSING"})

    other._say({})

    assert leading._server.failed_months == {}
    other._hear("")  # it was not passed on
    assert leading._server.db.said[-1] == "{}"
