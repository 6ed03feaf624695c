"""The files that servers are run with: their commands are known, and their programs read them."""

import configparser
import json
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from federation.cli.exits import EXIT_CONFIG, EXIT_NO_INPUT_OUTPUT, EXIT_REFUSED
from federation.cli.main import cli
from federation.edge.routes import BANK_FILE, BATCH, DELIVERY
from federation.nodes.registry_files import IMPORT
from federation.nodes.routes import TABLE
from federation.process import RETIRE_SECONDS

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SERVERS = ("hub", "gb", "de", "jp")


def require_known(words):
    """Fail where the command line does not know a command or an option."""
    command, context = cli, click.Context(cli, info_name="federation")
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words[0]]
        context = click.Context(command, info_name=words[0], parent=context)
        words = words[1:]
    command.parse_args(context, list(words))


def unit(path):
    """Read a unit; a setting that is given several times has all its values."""
    read = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    read.optionxform = str
    read.read_string(path.read_text(encoding="utf-8"))
    return read


def commands():
    """Return (file, words after `federation`) of every command in the files."""
    for path in UNITS:
        start = re.sub(r"\$\(.*?\)", "NOW", unit(path)["Service"]["ExecStart"])
        yield path.name, shlex.split(start.partition("/bin/federation ")[2].rstrip("'"))
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    for name in SERVERS:
        yield f"compose.yaml {name}", compose["services"][name]["command"]
    [script] = compose["services"]["migrate"]["command"]
    yield "compose.yaml migrate", shlex.split(re.search(r"federation (db .*)", script)[1])
    for pod in pods():
        for container in (*pod["initContainers"], *pod["containers"]):
            yield f"node.yaml {container['name']}", container["args"]


def pods():
    for found in yaml.safe_load_all((DEPLOY / "kubernetes" / "node.yaml").read_text("utf-8")):
        if found["kind"] == "StatefulSet":
            yield found["spec"]["template"]["spec"]


def test_every_command_in_the_files_is_one(tmp_path):
    (tmp_path / "recovery.pub").touch()
    found = list(commands())
    for _, words in found:
        require_known(
            [
                word.replace("/etc/federation/recovery.pub", f"{tmp_path}/recovery.pub")
                for word in words
            ]
        )

    assert len(found) == len(UNITS) + len(SERVERS) + 3
    with pytest.raises(click.NoSuchOption):
        require_known(["hub", "serve", "--configuration", "hub.toml"])


def test_systemd_starts_again_what_may_help_and_keeps_a_server_to_itself():
    for path in UNITS[1:]:
        service = unit(path)["Service"]
        kept_down = {int(code) for code in service["RestartPreventExitStatus"].split()}
        assert kept_down == {EXIT_REFUSED, EXIT_NO_INPUT_OUTPUT, EXIT_CONFIG}
        assert (service["DynamicUser"], service["ProtectSystem"]) == ("yes", "strict")
        state = service["Environment"].removeprefix("FEDERATION_DATA_DIR=/var/lib/")
        assert service["StateDirectory"] == service["User"] == state
    assert [path.name for path in UNITS] == [
        "federation-backup@.service",
        "federation-hub.service",
        "federation-node@.service",
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_the_units(tmp_path):
    for path in (DEPLOY / "systemd").iterdir():
        there = f"{Path(sys.executable).parent}/federation"
        text = path.read_text(encoding="utf-8").replace("/opt/federation/bin/federation", there)
        (tmp_path / path.name.replace("@", "@gb")).write_text(text, encoding="utf-8")
    names = sorted(str(path) for path in tmp_path.iterdir())
    read = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in read.stderr.splitlines() if "federation" in line]
    assert (read.returncode, ours) == (0, [])


def test_each_server_of_the_compose_file_has_its_database_its_folder_and_its_name():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services, caddy = compose["services"], (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8")
    databases = re.findall(r"CREATE DATABASE (\w+);", (DEPLOY / "databases.sql").read_text("utf-8"))
    assert databases == list(SERVERS)
    for name in SERVERS:
        url = services[name]["environment"]["FEDERATION_DATABASE_URL"]
        assert url.endswith(f"@postgres/{name}")
        assert f"{name}:/var/lib/federation" in services[name]["volumes"]
        assert services[name]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }
        assert services["proxy"]["environment"][f"{name.upper()}_UPSTREAM"] == f"{name}:8800"
        assert f"{{${name.upper()}_HOST:" in caddy
    assert set(services) == {*SERVERS, "postgres", "migrate", "proxy"}


def test_a_pod_is_one_server_that_is_asked_whether_it_is_well():
    [pod] = pods()
    [server] = pod["containers"]
    assert server["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert server["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert pod["securityContext"]["runAsUser"] == 10001
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "useradd --system --uid 10001" in dockerfile
    assert "USER 10001\n" in dockerfile


def size(text):
    """Return the bytes that a proxy's configuration writes as `64m`, `8g`, `64MiB`."""
    number, unit = re.fullmatch(r"(\d+)([mg]|[MG]iB)", text).groups()
    return int(number) * (1024**2 if unit[0] in "mM" else 1024**3)


def test_proxies_let_through_what_the_doors_of_a_server_take():
    nginx_file = (DEPLOY / "nginx" / "federation.conf").read_text(encoding="utf-8")
    caddy_file = (DEPLOY / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    kinds = yaml.safe_load_all((DEPLOY / "kubernetes" / "node.yaml").read_text("utf-8"))
    [ingress] = [found["metadata"] for found in kinds if found["kind"] == "Ingress"]
    usual, files = re.findall(r"client_max_body_size (\w+);", nginx_file)
    assert nginx_file.index("location = /registry/imports") < nginx_file.index(f" {files};")
    caddy_files, caddy_usual = re.findall(r"max_size (\w+)", caddy_file)
    assert re.findall(r"request_body (@\w+)", caddy_file) == ["@files", "@others"]

    assert size(usual) == size(caddy_usual) == 64 * 1024**2
    assert max(door.bytes_max for door in (DELIVERY, BATCH, BANK_FILE, TABLE)) == size(usual)
    annotated = ingress["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert size(files) == size(caddy_files) == size(annotated) == IMPORT.bytes_max


def test_proxies_keep_no_idle_connection_for_as_long_as_a_worker_that_retires_waits():
    nginx_file = (DEPLOY / "nginx" / "federation.conf").read_text(encoding="utf-8")
    caddy_file = (DEPLOY / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    assert len(re.findall(r"^upstream ", nginx_file, re.MULTILINE)) == 1
    servers = re.findall(r"^\treverse_proxy (.*)", caddy_file, re.MULTILINE)
    assert len(re.findall(r"^\t\timport kept$", caddy_file, re.MULTILINE)) == len(servers) == 4

    [in_nginx] = re.findall(r"keepalive_timeout (\d+)s;", nginx_file)
    [in_caddy] = re.findall(r"keepalive (\d+)s$", caddy_file, re.MULTILINE)
    assert max(int(in_nginx), int(in_caddy)) < RETIRE_SECONDS


def test_the_scraper_asks_the_servers_and_not_the_proxies_that_hide_it():
    file = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    [job] = yaml.safe_load(file)["scrape_configs"]
    asked = [target for each in job["static_configs"] for target in each["targets"]]
    assert asked == ["127.0.0.1:8800", "127.0.0.1:8801"]
    assert "scheme" not in job
    assert job["authorization"] == {"credentials_file": "metrics-token"}


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came, as a server behind the proxy sees them."""

    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return taken.getsockname()[1]


def make_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub.example")])
    now = datetime.now(UTC)  # noqa: TID251 - TLS asks the machine's clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hub.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "hub.example.pem").write_bytes(made.public_bytes(form))
    private = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(form, private, serialization.NoEncryption())
    (folder / "hub.example.key").write_bytes(text)


@contextmanager
def nginx(folder, upstream):
    """Run the shipped configuration at free ports; lend that of TLS."""
    make_certificate(folder)
    plain, secure = free_port(), free_port()
    text = (DEPLOY / "nginx" / "federation.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/ssl/federation", str(folder)).replace(":8800", f":{upstream}")
    text = re.sub(r"(?m)^    listen \[::\].*\n", "", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{secure} ")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{paths}{text}}}\n"
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    subprocess.run(command, check=True)  # it returns once it listens
    try:
        yield secure
    finally:
        subprocess.run([*command, "-s", "stop"], check=True)


@pytest.mark.skipif(NGINX is None, reason="nginx is not here")
def test_nginx_ends_tls_and_says_who_called(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    with closing(server.socket), nginx(tmp_path, server.server_port) as secure:
        trusting = ssl.create_default_context(cafile=tmp_path / "hub.example.pem")
        trusting.check_hostname = False  # it is called by its address here
        connection = HTTPSConnection("127.0.0.1", secure, context=trusting)
        forged = {"Host": "hub.example", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "http"}
        connection.request("GET", "/healthz", headers=forged)
        answer = connection.getresponse()
        seen = json.loads(answer.read())
        connection.request("GET", "/metrics", headers=forged)
        hidden = connection.getresponse()
        hidden.read()
        connection.close()
        server.shutdown()

    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("10.0.0.1, 127.0.0.1", "https")
    assert seen["host"] == "hub.example"
    assert answer.getheader("Strict-Transport-Security") == "max-age=31536000"
    assert hidden.status == 404
