"""The command `federation-site`: installs a gate, looks after it, and takes in access logs."""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from federation.access.wire import Call
from federation.accesslogs.command import main as take_in_logs
from federation.errors import RefusalError
from federation.gate.background import Background, Round
from federation.publisher.doctor import examine
from federation.publisher.following import FOLLOW_SECONDS, Follower, require_folder
from federation.publisher.installing import install
from federation.publisher.nginx_endpoint import AuthServer
from federation.publisher.nginx_files import write_files
from federation.publisher.nginx_map import nginx_map
from federation.publisher.silence import Silence
from federation.site.install import gate_of
from federation.site.settings import FILE_NAME, read_settings, read_site


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; a refusal is one line and status 1."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["logs"]:
        sys.exit(take_in_logs(words[1:]))
    asked = _parser().parse_args(words)
    try:
        status: int = asked.run(asked)
    except RefusalError as refusal:
        sys.exit(f"{refusal.code}: {refusal.message}")
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="federation-site", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="install this site with the code of the collective")
    init.add_argument("code", help="the code, or - to read it from standard input")
    init.set_defaults(run=_init)
    doctor = commands.add_parser("doctor", help="look at what works, and say what to do")
    doctor.set_defaults(run=_doctor)
    robots = commands.add_parser("robots", help="print what belongs into robots.txt")
    robots.set_defaults(run=_robots)
    named = commands.add_parser("nginx-map", help="print who is a crawler, for nginx")
    named.set_defaults(run=_nginx_map)
    written = commands.add_parser("nginx-files", help="write what nginx includes into a folder")
    written.add_argument("folder", type=Path, metavar="DIR")
    written.set_defaults(run=_nginx_files)
    auth = commands.add_parser("auth", help="judge what nginx asks, and count what it served")
    auth.add_argument(
        "--listen",
        required=True,
        metavar="unix:PATH|127.0.0.1:PORT",
        help="a socket in a folder that is there, or a port of loopback",
    )
    auth.add_argument("--log", type=Path, required=True, help="the access log that nginx writes")
    auth.add_argument("--group", help="the group of nginx's user, which may open the socket")
    auth.set_defaults(run=_auth)
    commands.add_parser("logs", help="read access logs, and hand the usage in", add_help=False)
    for command in (init, doctor, robots, named, written, auth):
        command.add_argument("--config", type=Path, default=Path(FILE_NAME), metavar="FILE")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _init(asked: argparse.Namespace) -> int:
    code = sys.stdin.read() if asked.code == "-" else asked.code
    settings = install(code, asked.config)
    _say(f"{asked.config}: {settings.member} at {settings.node}, for {', '.join(settings.origins)}")
    _say("It holds a secret: keep it out of version control.")
    return 0


def _doctor(asked: argparse.Namespace) -> int:
    is_well = True
    for finding in examine(read_site(asked.config)):
        _say(str(finding))
        is_well = is_well and finding.is_well
    return 0 if is_well else 1


def _robots(asked: argparse.Namespace) -> int:
    """Print the node's snippet, or where the terms stand, if it serves none."""
    site = read_site(asked.config)
    url = f"{site.node}/sites/{quote(site.member_id, safe='')}/robots.txt"
    answer = site.fetch(Call("GET", url, {}))
    if answer.status == HTTPStatus.OK:
        _say(answer.body.decode("utf-8", "replace").rstrip())
        return 0
    for origin in site.origins:
        _say(f"License: {origin}/license.xml")
    return 0


def _nginx_map(asked: argparse.Namespace) -> int:
    _say(nginx_map(read_settings(asked.config).crawlers.rule()).rstrip())
    return 0


def _nginx_files(asked: argparse.Namespace) -> int:
    for path in write_files(asked.folder, read_settings(asked.config).crawlers.rule()):
        _say(str(path))
    return 0


def _auth(asked: argparse.Namespace) -> int:
    """Answer nginx until a signal ends it; what was served meanwhile is read at the next start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    require_folder(asked.log)
    site = read_site(asked.config)
    gate, background = gate_of(site)
    spool, visits = gate.config.spool, gate.config.visits
    assert visits is not None  # noqa: S101 - a site that is installed counts them
    silence = Silence(asked.log, site.directory)
    follower = Follower(asked.log, site.directory / "served.place", spool, visits, silence.heard)
    rounds = {
        **background.rounds,
        "log": Round(FOLLOW_SECONDS, follower.round),
        "silence": Round(FOLLOW_SECONDS, silence.round),
    }
    background = Background(rounds)
    server = AuthServer(asked.listen, gate, asked.log, group=asked.group, granted=silence.granted)
    silence.heard()

    def end(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    background.start()
    _say(f"listening on {asked.listen}")
    with ExitStack() as at_the_end:  # the last first, each whatever became of those before
        for end_with in (gate.close, follower.close, follower.round, background.stop):
            at_the_end.callback(end_with)
        server.serve_forever()
        server.server_close()
    return 0


if __name__ == "__main__":
    main()
