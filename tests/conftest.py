"""A database per test, on both backends; PostgreSQL is started once, by the first test to ask."""

import os
import shutil
import sys
from collections import Counter

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings

from tests.databases import BACKENDS, PostgresServer, SqliteFiles, opened, quick_folder
from tests.scheduling import ByBackend, is_second_life, turn
from tests.speed import keep_what_is_there, look_for_garbage_less

# A busy machine is no failure: an example may take as long as it takes.
settings.register_profile("federation", deadline=None)
settings.load_profile("federation")

# As in production, servers log to standard error. A command that a test runs in a thread beside
# them has the standard output of the process, and what it prints, to itself.
structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sqlite():
    folder = quick_folder("federation-sqlite-")
    files = SqliteFiles(folder)
    await files.start()
    yield files
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres():
    server = PostgresServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=BACKENDS)
def backend(request, record_property):
    """What makes databases of one kind."""
    record_property("backend", request.param)
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session", params=BACKENDS)
def any_backend(request):
    """What makes databases of one kind, for what many tests share."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def _count_backend(request, record_property):
    """Say on which backend a test of something shared ran."""
    found = getattr(request.node, "callspec", None)
    if found is not None and "any_backend" in found.params:
        record_property("backend", found.params["any_backend"])


@pytest.fixture
async def database(backend):
    """A migrated database without rows."""
    async with backend.lent() as url, opened(url) as database:
        yield database


@pytest.fixture
async def empty_url(backend):
    """The address of a database without tables."""
    async with backend.url(migrated=False) as url:
        yield url


def pytest_itemcollected(item):
    """Leave months on PostgreSQL to `make test-all` where `make test` lives them on SQLite."""
    if is_second_life(item.nodeid):
        item.add_marker(pytest.mark.slow)


def pytest_collection():
    look_for_garbage_less()


def pytest_collection_finish():
    keep_what_is_there()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    keep_what_is_there()  # pytest looks for garbage five times now: once finds what there is


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Run one process more than there are cores: one in three waits for a server or a clock."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out tests so that what takes long to make is made once."""
    return ByBackend(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(trylast=True)  # pytest has brought together what shares a parameter
def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items.sort(key=lambda item: turn(item.path))


def pytest_terminal_summary(terminalreporter):
    """Say how many tests ran on each backend, so that nobody takes one for both."""
    ran = Counter(
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == "backend"
    )
    if ran:
        counts = ", on ".join(f"{backend}: {ran[backend]}" for backend in BACKENDS)
        terminalreporter.write_line(f"tests on {counts}")


def pytest_addoption(parser):
    """Let `make test-browser` keep pictures of what it looks at."""
    parser.addoption("--pictures", help="the folder for pictures of the console's screens")
    parser.addoption("--all", action="store_true", help="look at screens in every way")
