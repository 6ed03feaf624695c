"""The gate beside nginx: `python -m tests.site.stacks.nginx CONFIG PORT`."""

import subprocess
import sys
import threading
from pathlib import Path

import waitress

from federation.publisher.command import main as command
from federation.publisher.nginx_map import nginx_map
from federation.site.settings import read_settings
from tests.site.stacks.wsgi import application

KIT = Path(__file__).parents[3] / "federation" / "publisher" / "nginx"


def config_of(folder: Path, port: int, behind: int) -> str:
    """Return nginx's configuration; the kit's files are included as they are, but for paths."""
    for name in ("http", "server", "location"):
        text = (KIT / f"federation-site-{name}.conf").read_text(encoding="utf-8")
        text = text.replace("/var/log/nginx/federation-site.log", f"{folder}/served.log")
        text = text.replace("/run/federation-site/auth.sock", f"{folder}/auth.sock")
        (folder / f"{name}.conf").write_text(text, encoding="utf-8")
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{name}_temp_path {folder}/{name};" for name in names)
    return f"""
        user root; daemon off; worker_processes 1; events {{}}
        pid {folder}/pid; error_log {folder}/error.log;
        http {{ {places} access_log off; include {folder}/http.conf; include {folder}/map.conf;
            large_client_header_buffers 8 64k;
            server {{ listen 127.0.0.1:{port}; merge_slashes off;
                include {folder}/server.conf;
                location / {{
                    include {folder}/location.conf;
                    proxy_set_header Host $http_host;
                    proxy_pass http://127.0.0.1:{behind}; }} }} }}"""


def main() -> None:
    """Serve until a signal comes."""
    file, port = Path(sys.argv[1]), int(sys.argv[2])
    folder = file.parent
    server = waitress.create_server(application, host="127.0.0.1", port=0)
    threading.Thread(target=server.run, daemon=True).start()
    named = nginx_map(read_settings(file).crawlers.rule())
    (folder / "map.conf").write_text(named, encoding="utf-8")
    path = folder / "nginx.conf"
    path.write_text(config_of(folder, port, server.effective_port), encoding="utf-8")
    nginx = subprocess.Popen(["nginx", "-c", str(path), "-p", str(folder)])
    listen, log = f"unix:{folder}/auth.sock", f"{folder}/served.log"
    try:
        command(["auth", "--config", str(file), "--listen", listen, "--log", log])
    finally:
        nginx.terminate()
        nginx.wait()


if __name__ == "__main__":
    main()
