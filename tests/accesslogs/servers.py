"""Real web servers with the kit's log formats, each for as long as a few requests take."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = Path("/usr/lib/apache2/modules")
NGINX, APACHE = shutil.which("nginx"), shutil.which("apache2")

NGINX_CONF = """
daemon on;
pid {home}/pid;
error_log {home}/error.log;
events {{ }}
http {{
    include {root}/federation/publisher/nginx/licence-log.conf;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    access_log {home}/all.log combined;
    server {{
        listen 127.0.0.1:{port};
        server_name pub.example;
        root {home}/www;
        {log}
    }}
}}
"""
APACHE_CONF = """
ServerName pub.example
ServerRoot {home}
PidFile {home}/pid
Listen 127.0.0.1:{port}
ErrorLog {home}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule setenvif_module {modules}/mod_setenvif.so
LoadModule unique_id_module {modules}/mod_unique_id.so
Include {root}/kit/apache/licence-log.conf
DocumentRoot {home}/www
{log}
"""


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _until(is_so):
    """Wait for a server to do what it was told; it says so in its pid file only."""
    for _ in range(1_000):
        if is_so():
            return
        time.sleep(0.01)
    raise TimeoutError


@contextmanager
def serving(server, home, log):
    """Serve one page at /a; yield the port. When it is left, the log is written."""
    (home / "www").mkdir(parents=True)
    (home / "www" / "a").write_text("a page\n")
    home.chmod(0o755)
    port, conf = _free_port(), home / "server.conf"
    template = NGINX_CONF if server == "nginx" else APACHE_CONF
    fields = {"home": home, "root": ROOT, "port": port, "log": log, "modules": MODULES}
    conf.write_text(template.format(**fields))
    if server == "nginx":
        start, stop = [NGINX, "-p", home, "-c", conf], ["-s", "quit"]
        check = [*start, "-t"]
    else:
        start, stop = [APACHE, "-d", home, "-f", conf], ["-k", "graceful-stop"]
        check = [*start, "-t"]
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    begin = start if server == "nginx" else [*start, "-k", "start"]
    begun = subprocess.run(begin, capture_output=True, text=True, check=False)
    assert begun.returncode == 0, begun.stderr
    try:
        _until((home / "pid").exists)
        yield port
    finally:
        subprocess.run([*start, *stop], capture_output=True, check=True)
        _until(lambda: not (home / "pid").exists())
