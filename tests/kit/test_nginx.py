"""nginx asks the endpoint: every refusal arrives whole, and what was served is counted once."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import httpx
import pytest

from federation.gate.crawlers import AGENTS, CrawlerRule
from federation.gate.gate import Gate, GateConfig, Mode
from federation.gate.guesses import Guesses
from federation.gate.visits import VisitCounts
from federation.publisher.command import _parser
from federation.publisher.following import QUIET_ROUNDS, Follower
from federation.publisher.nginx_endpoint import AuthServer
from federation.publisher.nginx_map import nginx_map
from federation.quotas import Quota
from federation.signing.statuslist import Status
from tests.gate.binding import signed
from tests.site.stacks.wire import exchange

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
ROOT = Path(__file__).parents[2]
KIT = ROOT / "federation" / "publisher" / "nginx"
BOT = {"User-Agent": "GPTBot/1.2"}
PERSON = {"User-Agent": "Mozilla/5.0 Firefox/140.0"}

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not here")


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        status = 404 if "missing" in self.path else 200
        self.send_response(status)
        self.send_header("Content-Length", "7")
        self.send_header("Cache-Control", "public, max-age=60")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"A page.")

    do_HEAD = do_POST = do_GET  # noqa: N815 - as its parent names them

    def log_message(self, *_):
        pass


class Front:
    """nginx before an application, with the endpoint beside it, on loopback."""

    def __init__(self, site, folder, places="", **changes):
        self.site, self.folder, self.log = site, folder, folder / "served.log"
        self.places = places
        self.app = ThreadingHTTPServer(("127.0.0.1", 0), Application)
        self.app.asked = []
        self.visits = VisitCounts(folder / "visits.json", site.clock)
        config = GateConfig(
            policy=site,
            spool=site.spool,
            nonces=site.nonces,
            origins=["https://pub.example"],
            clock=site.clock,
            visits=self.visits,
            **changes,
        )
        self.socket = folder / "auth.sock"
        self.granted = 0
        self.auth = AuthServer(
            f"unix:{self.socket}", Gate(config), self.log, granted=self._count_granted
        )
        self.threads = [
            threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.02})
            for each in (self.app, self.auth)
        ]
        for each in self.threads:
            each.start()
        self.follower = Follower(self.log, folder / "place", site.spool, self.visits)
        self.port = free_port()
        self.config = folder / "nginx.conf"
        self.config.write_text(self._config(), encoding="utf-8")
        self.nginx = None
        self.start()

    def _count_granted(self):
        self.granted += 1

    def _config(self):
        for name in ("http", "server", "location"):
            text = (KIT / f"federation-site-{name}.conf").read_text(encoding="utf-8")
            text = text.replace("/var/log/nginx/federation-site.log", str(self.log))
            text = text.replace("/run/federation-site/auth.sock", str(self.socket))
            (self.folder / f"{name}.conf").write_text(text, encoding="utf-8")
        (self.folder / "map.conf").write_text(nginx_map(CrawlerRule()), encoding="utf-8")
        temp = "".join(f"{name}_temp_path {self.folder}/{name};" for name in TEMPORARY)
        return f"""
            daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log; user root;
            worker_processes 1;
            events {{}}
            http {{ {temp}
                access_log off;
                include {self.folder}/http.conf; include {self.folder}/map.conf;
                server {{ listen 127.0.0.1:{self.port};
                    include {self.folder}/server.conf;
                    location / {{
                        include {self.folder}/location.conf;
                        proxy_pass http://127.0.0.1:{self.app.server_address[1]};
                    }}
                    {self._places()}
                }} }}"""

    def _places(self):
        application = f"proxy_pass http://127.0.0.1:{self.app.server_address[1]};"
        protected = f"include {self.folder}/location.conf;"
        text = self.places.replace("PROTECTED;", protected).replace("APPLICATION;", application)
        return text.replace("FOLDER", str(self.folder))

    def start(self):
        self.nginx = subprocess.Popen([NGINX, "-c", str(self.config), "-p", str(self.folder)])
        until(self._answers)

    def _answers(self):
        try:
            httpx.get(f"http://127.0.0.1:{self.port}/license.xml", headers=BOT)
        except httpx.TransportError:
            assert self.nginx.poll() is None, (self.folder / "error.log").read_text()
            return False
        return True

    def ask(self, path="/news/a", *, method="GET", token=None, headers=()):
        sent = {"Host": "pub.example", **BOT, **dict(headers)}
        if token:
            sent["Authorization"] = f"License {token}"
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", headers=sent)

    def counted(self, count):
        """Return the usage of the log once there are so many lines of it."""
        until(lambda: self.log.exists() and self.log.read_bytes().count(b"\n") >= count)
        self.follower.round()
        return self.site.events()

    def visited(self):
        self.visits.add_up()
        return {(each.agent, each.outcome): each.count for each in self.visits.untold()[1]}

    def kill(self):
        workers = children(self.nginx.pid)
        self.nginx.kill()  # first, so that it makes no others
        self.nginx.wait()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)

    def close(self):
        self.follower.close()
        self.nginx.terminate()
        self.nginx.wait(5)
        for each in (self.app, self.auth):
            each.shutdown()
            each.server_close()


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(each) for each in text.split()]


def free_port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        return server.server_address[1]


def until(found, seconds=10):
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.fixture
def make_front(make_site, tmp_path):
    opened = []

    def make(places="", **changes):
        front = Front(make_site(tmp_path), tmp_path, places, **changes)
        opened.append(front)
        return front

    yield make
    for front in opened:
        front.close()


@pytest.fixture
def front(make_front):
    return make_front()


def test_every_refusal_arrives_with_its_status_headers_and_body(front):
    site = front.site
    cases = [
        ({}, 401, "LICENCE_REQUIRED"),
        ({"token": "a.b.c"}, 401, "INVALID_TOKEN"),
        ({"method": "POST"}, 405, "METHOD_NOT_ALLOWED"),
        ({"headers": {"Host": "evil.example"}}, 421, "UNKNOWN_HOST"),
        ({"headers": {"X-Original-URL": "/b"}}, 400, "AMBIGUOUS_REQUEST"),
        ({"path": "/sport/a", "token": site.token()}, 403, "INSUFFICIENT_SCOPE"),
        ({"token": site.token(uses=["ai-train", "ai-input"])}, 403, "USE_NOT_GRANTED"),
    ]
    for asked, status, code in cases:
        answer = front.ask(**asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["www-authenticate"].startswith('License error="')
        assert answer.headers["cache-control"] == "private, no-store"
        assert ("link" in answer.headers) == (status in {401, 402, 403})
    site.set_policy(licences={"HUB-000001": Status.SUSPENDED})
    assert front.ask(token=site.token()).status_code == 402
    site.set_policy(optouts=[("pub.example/news/a", "*", site.clock())])
    assert front.ask("/news/%61", token=site.token()).json()["code"] == "WITHHELD"
    site.held = None
    answer = front.ask(token=site.token())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert front.app.asked == []
    assert site.events() == []


def test_too_many_wrong_tokens_are_told_to_wait(make_front):
    front = make_front(guesses=Guesses(Quota(burst=2, per_minute=1), monotonic=lambda: 0.0))
    found = [front.ask(token=f"x.y.{n}") for n in range(4)]

    assert [answer.status_code for answer in found] == [401, 401, 429, 429]
    assert found[-1].json()["code"] == "TOO_MANY_GUESSES"
    assert int(found[-1].headers["retry-after"]) > 0


def test_what_nginx_served_is_counted_once_with_its_bytes(front):
    site = front.site
    served = front.ask("/news/a?q=1", token=site.token())
    front.ask("/news/b", token=site.token(), method="HEAD")
    front.ask("/news/missing", token=site.token())
    person = front.ask(headers=PERSON)
    engine = front.ask(headers={"User-Agent": "Googlebot/2.1"})

    assert (served.status_code, served.content) == (200, b"A page.")
    assert served.headers["link"].startswith("<https://pub.example/license.xml>")
    assert served.headers.get_list("cache-control") == ["private, no-store"]
    assert "Authorization" in served.headers["vary"]
    for answer in (person, engine):
        assert (answer.status_code, answer.content) == (200, b"A page.")
        assert answer.headers.get_list("cache-control") == ["public, max-age=60"]
        assert "link" not in answer.headers
    assert front.granted == 3
    [event] = front.counted(3)
    assert (event.url, event.status, event.body_bytes, event.units) == (
        "https://pub.example/news/a?q=1",
        200,
        7,
        1,
    )
    assert (event.licence, event.use, event.agent) == ("HUB-000001", "ai-input", "GPTBot/1.2")
    front.follower.round()
    assert len(site.events()) == 1
    assert front.visited() == {("GPTBot", "SERVED"): 1, ("GPTBot", "NOT_COUNTED"): 2}


def test_whoever_sends_the_gates_own_headers_gains_nothing(front):
    for name in ("X-Federation-Method", "X-Federation-Target", "X-Federation-Grant"):
        answer = front.ask("/news/a", headers={name: "/robots.txt"})
        assert answer.status_code == 401
    assert front.ask("/_federation/auth").status_code in {401, 404}
    assert front.app.asked == []


BROKEN = 'location /news/broken/ { PROTECTED; set $nowhere ""; proxy_pass $nowhere; }'


def test_a_failure_of_nginx_itself_is_not_called_one_of_the_gate(make_front):
    front = make_front(BROKEN)
    answers = [
        front.ask("/news/broken/a", token=front.site.token()),
        front.ask("/news/broken/a", headers=PERSON),
    ]

    assert [each.status_code for each in answers] == [500, 500]
    assert not [each for each in answers if "GATE_DOWN" in each.text]


class Gateway(BaseRequestHandler):
    """An application behind another protocol: each reads its own request, and answers alike."""

    said = (
        b"X-Accel-Redirect: /hidden/page\r\n"
        b"Cache-Control: public\r\nCDN-Cache-Control: max-age=9\r\n"
        b"Cloudflare-CDN-Cache-Control: max-age=9\r\nSurrogate-Control: max-age=9\r\n"
        b"Edge-Control: max-age=9\r\n\r\n"
    )

    def take(self, count):
        found = b""
        while len(found) < count:
            found += self.request.recv(count - len(found))
        return found


class Scgi(Gateway):
    def handle(self):
        size = b""
        while not size.endswith(b":"):
            size += self.take(1)
        self.take(int(size[:-1]) + 1)
        self.request.sendall(b"Status: 200 OK\r\n" + self.said + b"A page.")


class Uwsgi(Gateway):
    def handle(self):
        self.take(int.from_bytes(self.take(4)[1:3], "little"))
        self.request.sendall(b"HTTP/1.1 200 OK\r\n" + self.said + b"A page.")


class FastCgi(Gateway):
    def handle(self):
        kind, length = 0, 1
        while (kind, length) != (5, 0):  # until the end of its body
            head = self.take(8)
            kind, length = head[1], int.from_bytes(head[4:6], "big")
            self.take(length + head[6])
        body = b"Status: 200 OK\r\n" + self.said + b"A page."
        for number, part in ((6, body), (6, b""), (3, bytes(8))):
            self.request.sendall(bytes((1, number, 0, 1, *divmod(len(part), 256), 0, 0)) + part)


class Http(Gateway):
    def handle(self):
        self.request.recv(65536)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n"
        self.request.sendall(head + self.said + b"A page.")


TO_CACHES = [
    *("cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "edge-control")
]
UPSTREAMS = {"proxy": Http, "fastcgi": FastCgi, "uwsgi": Uwsgi, "scgi": Scgi}
BEHIND = """
    location /hidden/ { internal; alias FOLDER/hidden/; }
    location /news/ { PROTECTED; PASS; }
"""


@pytest.mark.parametrize("protocol", UPSTREAMS)
def test_whatever_the_application_speaks_nothing_leaves_past_the_count_or_into_a_cache(
    make_front, tmp_path, protocol
):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "page").write_text("Hidden.", encoding="utf-8")
    with ThreadingTCPServer(("127.0.0.1", 0), UPSTREAMS[protocol]) as application:
        thread = threading.Thread(target=application.serve_forever, args=(0.02,))
        thread.start()
        scheme = "http://" if protocol == "proxy" else ""
        there = f"{protocol}_pass {scheme}127.0.0.1:{application.server_address[1]}"
        try:
            front = make_front(BEHIND.replace("PASS", there))
            served = front.ask(token=front.site.token())
            person = front.ask(headers=PERSON)
        finally:
            application.shutdown()
            thread.join()

    assert (served.status_code, served.content) == (200, b"A page.")
    assert served.headers.get_list("cache-control") == ["private, no-store"]
    assert not set(TO_CACHES) & served.headers.keys()
    assert person.headers.get_list("cache-control") == ["public"]
    assert [person.headers[name] for name in TO_CACHES] == ["max-age=9"] * 4
    [event] = front.counted(1)
    assert (event.status, event.body_bytes) == (200, 7)


def test_a_request_of_many_headers_is_judged_as_any_other(make_front, tmp_path):
    (tmp_path / "page").write_text("A page.", encoding="utf-8")
    front = make_front("location = /news/a { PROTECTED; alias FOLDER/page; }")
    many = {f"X-{number}": "a" for number in range(700)}

    assert front.ask(headers={**PERSON, **many}).status_code == 200
    assert front.ask(headers=many).json()["code"] == "LICENCE_REQUIRED"
    assert front.ask(headers=many, token=front.site.token()).status_code == 200


REDIRECTING = """
    location /news/index/ { PROTECTED; alias FOLDER/pages/; index index.html; }
    location /news/front/ { PROTECTED; root FOLDER/none; try_files $uri /index.php; }
    location = /index.php { PROTECTED; APPLICATION; }
    location /news/named/ { PROTECTED; root FOLDER/none; try_files $uri @application; }
    location @application { PROTECTED; APPLICATION; }
    location /news/error/ { PROTECTED; root FOLDER/none; error_page 404 =200 /index.php; }
"""


@pytest.mark.parametrize("mode", Mode)
def test_a_request_is_judged_once_however_nginx_redirects_it(make_front, mode, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("A page.", encoding="utf-8")
    front = make_front(REDIRECTING, mode=mode)
    pages = [f"/news/{name}/" for name in ("index", "front", "named", "error")]
    sent = {page: signed(front.site, page) for page in pages}
    answers = [front.ask(page, headers=sent[page]) for page in pages]

    assert [(each.status_code, each.content) for each in answers] == [(200, b"A page.")] * 4
    assert [each.headers.get("x-rsl-reason") for each in answers] == [None] * 4
    assert [each.url.removeprefix("https://pub.example") for each in front.counted(4)] == pages
    again = [front.ask(page, headers=sent[page]) for page in pages]
    unlicensed = [front.ask(page) for page in pages]
    if mode == Mode.ENFORCE:
        assert {each.json()["code"] for each in again} == {"REQUEST_REPLAYED"}
        assert {each.json()["code"] for each in unlicensed} == {"LICENCE_REQUIRED"}
    assert front.visited() == {
        ("GPTBot", outcome): 4 for outcome in ("SERVED", "REQUEST_REPLAYED", "LICENCE_REQUIRED")
    }
    assert front.log.read_bytes().count(b"\n") == 4


def test_what_another_one_holds_opens_nothing(front):
    """Neither through nginx, which names its own, nor for another request at the endpoint."""
    sent = signed(front.site, "/news/a")
    asked = {
        "type": "http",
        "method": "GET",
        "path": "/news/a",
        "raw_path": b"/news/a",
        "query_string": b"",
        "headers": [
            (b"host", b"pub.example"),
            *((name.lower().encode(), value.encode()) for name, value in sent.items()),
        ],
        "client": None,
    }
    status, headers = front.auth.decided(asked)
    held = dict(headers)[b"x-federation-held"].decode()
    grant = dict(headers)[b"x-federation-grant"].decode()

    assert status == 204
    assert front.auth.decided(asked, held) == (204, headers)
    assert front.auth.decided(asked)[0] == 403
    for other in (
        {"raw_path": b"/news/b"},
        {"query_string": b"b"},
        {"headers": asked["headers"][:2]},
    ):
        assert front.auth.decided({**asked, **other}, held)[0] == 403
    for word in (grant, "", "x", held[:-8], held.replace("a", "b")):
        assert front.auth.decided(asked, word)[0] == 403
    for word in (held, grant):
        answer = front.ask("/news/a", headers={**sent, "X-Federation-Held": word})
        assert answer.status_code == 401
    assert front.app.asked == []


def test_a_site_that_observes_serves_and_says_what_it_would_refuse(make_front):
    front = make_front(mode=Mode.OBSERVE)
    answer = front.ask()

    assert (answer.status_code, answer.content) == (200, b"A page.")
    assert answer.headers["x-rsl-status"] == "token_required"
    assert answer.headers["x-rsl-reason"] == "licence_required"


def test_what_the_disk_has_no_room_for_is_refused_and_counted_so(front, monkeypatch):
    monkeypatch.setattr("federation.publisher.nginx_endpoint.ROOM_BYTES", 1 << 80)
    answer = front.ask(token=front.site.token())

    assert (answer.status_code, answer.json()["code"]) == (503, "SPOOL_FULL")
    assert front.visited() == {("GPTBot", "SPOOL_FULL"): 1}
    assert (front.app.asked, front.site.events()) == ([], [])


def test_while_the_endpoint_is_down_people_pass_and_crawlers_do_not(front):
    front.auth.shutdown()
    front.auth.server_close()
    front.socket.unlink()
    front.kill()  # connections that were open are gone with the endpoint
    front.start()
    crawlers = [
        {},
        {"token": front.site.token()},
        {"token": front.site.token(), "headers": PERSON},
        {"headers": {**PERSON, "Authorization": "license x"}},
        {"headers": {**PERSON, "X-Collective-License": "x"}},
        {"headers": {**PERSON, "Signature-Input": 'sig1=("@authority");tag="web-bot-auth"'}},
    ]
    for asked in crawlers:
        answer = front.ask("/a", **asked)
        assert (answer.status_code, answer.json()["code"]) == (503, "GATE_DOWN")
        assert answer.headers["retry-after"] == "60"
    assert front.app.asked == []
    for headers in (
        PERSON,
        {"User-Agent": "Googlebot/2.1"},
        {**PERSON, "Authorization": "Basic x"},
    ):
        answer = front.ask("/a", headers=headers)
        assert (answer.status_code, answer.content) == (200, b"A page.")
        assert answer.headers.get_list("cache-control") == ["public, max-age=60"]
    assert front.ask("/a", method="POST", headers=PERSON).status_code == 200
    assert front.app.asked == ["/a"] * 4
    assert not front.log.exists() or front.log.read_bytes() == b""


def test_a_rotated_log_and_a_killed_nginx_cost_and_double_nothing(front):
    site = front.site
    front.ask("/news/1", token=site.token())
    front.counted(1)
    front.ask("/news/2", token=site.token())
    until(lambda: front.log.read_bytes().count(b"\n") == 2)
    front.log.rename(front.folder / "served.log.1")
    front.kill()
    front.start()
    front.ask("/news/3", token=site.token())
    until(lambda: front.log.exists() and front.log.read_bytes().count(b"\n") == 1)
    front.follower.close()
    again = Follower(front.log, front.folder / "place", site.spool, front.visits)
    for _ in range(QUIET_ROUNDS + 1):
        again.round()
    again.close()

    assert sorted(event.url[-1] for event in site.events()) == ["1", "2", "3"]
    assert json.loads((front.folder / "place").read_bytes())["inode"] == front.log.stat().st_ino


def test_a_request_line_that_names_another_host_opens_nothing_of_it(front):
    """nginx serves the host of the request line, whatever Host says."""
    sent = [("host", "pub.example"), *(pair for pair in BOT.items())]
    sent.append(("authorization", f"License {front.site.token()}"))

    own = exchange(front.port, "GET", "http://pub.example/news/a", sent)
    other = exchange(front.port, "GET", "http://www.pub.example/news/a", sent)

    assert (own.status, other.status, front.app.asked) == (200, 421, ["/news/a"])
    assert json.loads(other.body)["code"] == "UNKNOWN_HOST"


def test_a_damaged_place_stops_no_counting_and_counts_no_page_twice(front):
    front.ask("/news/1", token=front.site.token())
    front.counted(1)
    (front.folder / "place").write_bytes(b"{")
    front.follower.close()
    again = Follower(front.log, front.folder / "place", front.site.spool, front.visits)
    front.ask("/news/2", token=front.site.token())
    until(lambda: front.log.read_bytes().count(b"\n") == 2)
    again.round()
    again.close()

    pages = {event.event_id: event.url[-1] for event in front.site.events()}
    assert sorted(pages.values()) == ["1", "2"]  # the node takes an id once


def test_the_unit_of_systemd_listens_and_reads_where_nginx_does():
    unit = (KIT / "federation-site.service").read_text(encoding="utf-8")
    [line] = [each for each in unit.splitlines() if each.startswith("ExecStart=")]
    asked = _parser().parse_args(shlex.split(line)[1:])
    http, location = (
        (KIT / f"federation-site-{name}.conf").read_text(encoding="utf-8")
        for name in ("http", "location")
    )

    assert f"server {asked.listen};" in http
    assert f"access_log {asked.log} " in location
    assert f"RuntimeDirectory={Path(asked.listen.removeprefix('unix:')).parent.name}\n" in unit


GUIDE = (ROOT / "docs" / "publishers.md").read_text(encoding="utf-8")


def test_the_configuration_of_the_page_for_publishers_is_one(front):
    [config] = re.findall(r"```nginx\n(.*?)```", GUIDE, re.DOTALL)
    changed = config.replace("nginx/federation-site-", f"{front.folder}/")
    changed = changed.replace("user www-data;", f"user root; pid {front.folder}/other.pid;")
    assert changed.count(str(front.folder)) == 5
    (front.folder / "guide.conf").write_text(changed, encoding="utf-8")

    words = [NGINX, "-t", "-p", front.folder, "-c", front.folder / "guide.conf"]
    done = subprocess.run(words, capture_output=True, check=False, text=True)

    assert done.returncode == 0, done.stderr


NAMED = f"""
daemon off; pid {{folder}}/pid; error_log {{folder}}/error.log; user root; worker_processes 1;
events {{{{}}}}
http {{{{ {"".join(f"{name}_temp_path {{folder}}/{name};" for name in TEMPORARY)} access_log off;
    include {{folder}}/map.conf;
    server {{{{ listen 127.0.0.1:{{port}}; return 200 $federation_is_crawler; }}}} }}}}"""
RULES = [
    CrawlerRule(),
    CrawlerRule(unnamed=True, also=("fancy.Fetcher", "caf\xe9", "\u0142"), never=("GPTBot",)),
    CrawlerRule(also=('"; } evil $host {', "a+b|c", "\\", "x\ny", "~*^", "#")),
]


@pytest.mark.parametrize("rule", RULES)
def test_nginx_tells_a_crawler_by_name_as_the_gate_does(tmp_path, rule):
    port = free_port()
    (tmp_path / "map.conf").write_text(nginx_map(rule), encoding="utf-8")
    (tmp_path / "nginx.conf").write_text(NAMED.format(folder=tmp_path, port=port), encoding="utf-8")
    agents = [
        *(f"Mozilla/5.0 (compatible; {each.pattern.upper()}/1.0)" for each in AGENTS.agents),
        *("", "curl/8.0", "Mozilla/5.0 Firefox/140.0", "Opera/9", "fancyxFetcher", "FANCY.fetcher"),
        *("caf\xe9", "cafe", '"; } evil $host {', "a+b|c", "aab", "back\\slash", "x ~*^", "#1"),
        *("x" * 300 + "GPTBot", "GPTBot" + "x" * 300, "x" * 249 + "mozilla/"),
    ]
    url = f"http://127.0.0.1:{port}/"

    def is_up():
        try:
            return httpx.get(url).status_code == 200
        except httpx.TransportError:
            assert process.poll() is None, (tmp_path / "error.log").read_text()
            return False

    with subprocess.Popen([NGINX, "-c", tmp_path / "nginx.conf", "-p", tmp_path]) as process:
        until(is_up)
        with httpx.Client() as client:
            found = {
                agent: client.get(url, headers={"User-Agent": agent.encode("latin-1")}).text
                for agent in agents
            }
        process.terminate()

    # The gate looks at 256 letters; nginx looks on for a crawler, not for who is let pass.
    late = "x" * 300 + "GPTBot"
    wanted = {agent: str(int(rule.asks(agent[:256]))) for agent in agents}
    assert found == wanted | {late: "1"}
