"""The documented configurations, in the servers they are for: what they log, and what it is."""

import re
import tempfile
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.accesslogs.publisher import BROWSER, GPTBOT, Publisher, a_judge, part, token
from tests.accesslogs.servers import APACHE, NGINX, serving

DOCS = (Path(__file__).parents[2] / "docs" / "access-logs.md").read_text(encoding="utf-8")
LOG_LINES = {
    "nginx": re.search(r"^ *(access_log \S+ licence)( if=\$licence_part)?;$", DOCS, re.MULTILINE),
    "apache": re.search(r"^ *(CustomLog \S+ licence)$", DOCS, re.MULTILINE),
}


def asked(port, path="/a", method="GET", **headers):
    connection = HTTPConnection("127.0.0.1", port)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": "pub.example", **named})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def home():
    """A folder that the servers' own users may enter."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    "server",
    [
        pytest.param("nginx", marks=pytest.mark.skipif(not NGINX, reason="needs nginx")),
        pytest.param("apache", marks=pytest.mark.skipif(not APACHE, reason="needs apache2")),
    ],
)
def test_a_real_server_logs_what_counts_and_no_whole_token(server, home, tmp_path):
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    now = datetime.now(UTC)  # noqa: TID251 - real servers have the real time
    whole = token(now)
    bot = {"User_Agent": GPTBOT}
    log = home / "licence.log"
    documented = LOG_LINES[server][1]
    written = re.sub(r" \S+ licence", f" {log} licence", documented)
    with serving(server, home, written + (";" if server == "nginx" else "")) as port:
        statuses = [
            asked(port, Authorization=f"License {whole}", **bot),
            asked(port, Authorization=f"license {whole}", **bot),
            asked(port, X_Collective_License=whole, X_Licence_Use="TRAIN", **bot),
            asked(port, "/none", Authorization=f"License {whole}", **bot),
            asked(port, method="HEAD", Authorization=f"License {whole}", **bot),
            asked(port, User_Agent=BROWSER),
            asked(port, Authorization="Basic YTpi", User_Agent=BROWSER),
            asked(port, Authorization=f"License {whole}.x", User_Agent='a "b" \\ {c}'),
            asked(port, User_Agent=b"caf\xe9 \xff"),
            asked(port, Host="pub.example:8000", Authorization=f"License {whole}", **bot),
        ]
    judge = a_judge(now=now + timedelta(minutes=1))
    publisher = Publisher(tmp_path, judge)

    read = publisher.read(log)

    assert statuses == [200, 200, 200, 404, 200, 200, 200, 200, 200, 200]
    assert read.fates == {
        "TOKEN_LOGGED": 3,
        "NOT_SUCCESSFUL": 1,
        "NOT_A_GET": 1,
        "NOT_A_CRAWLER": 4,
        "OTHER_SITE": 1,
    }
    assert list(judge.other_hosts) == ["pub.example:8000"]  # an origin has its port, too
    assert len(publisher.ids()) == 3  # equal requests of one second: each has an id of its own
    assert {event.token for event in publisher.events} == {"token-1"}
    assert {event.url for event in publisher.events} == {"https://pub.example/a"}
    text = log.read_text(errors="replace")
    assert part(whole) in text
    assert whole.rpartition(".")[2] not in text
    assert "127.0.0.1" not in text
