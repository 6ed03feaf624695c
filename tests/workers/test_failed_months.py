"""Why a month of a node fails stands in the work-list of each of its processes, while it does."""

from types import SimpleNamespace

from federation.nodes.month import MonthWorker
from federation.store.database import Database


def process(others):
    """Return a process of a node; what it says is heard by the others."""
    server = SimpleNamespace(db=Database("sqlite:///:memory:"), failed_months={})
    worker = MonthWorker(server, None)
    server.db.say = lambda what, text: [one.db._hear(what, text) for one in [server, *others]]
    return server, worker


def test_processes_know_of_each_other_why_a_month_fails_and_forget_it_with_a_line_that_was_cut():
    follows, _ = process([])
    leads, worker = process([follows])

    leads.failed_months["2026-09"] = "PEER_DOWN"
    worker._say(leads.failed_months)
    assert follows.failed_months == leads.failed_months == {"2026-09": "PEER_DOWN"}

    follows.db.hear_all()  # it may have missed that the month went on, which is said once
    assert follows.failed_months == {}
    worker._say(leads.failed_months)  # as long as it fails it is said with each try
    assert follows.failed_months == {"2026-09": "PEER_DOWN"}

    leads.failed_months.clear()
    worker._say(leads.failed_months)
    assert follows.failed_months == leads.failed_months == {}
