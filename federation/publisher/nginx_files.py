"""`federation-site nginx-files DIR`: what nginx includes, and a unit for systemd."""

from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.gate.crawlers import CrawlerRule
from federation.gate.whole_files import replace_whole
from federation.publisher.nginx_map import nginx_map

FILES: Final = (
    "federation-site-http.conf",
    "federation-site-server.conf",
    "federation-site-location.conf",
    "licence-log.conf",
    "federation-site.service",
)
MAP: Final = "federation-site-map.conf"


class NotWrittenError(RefusalError):
    """The files cannot be written there."""

    code: ClassVar[str] = "NOT_WRITTEN"


def write_files(folder: Path, rule: CrawlerRule) -> list[Path]:
    """Write the kit's files and the map of crawlers into a folder, over what an older kit wrote."""
    bodies = {name: (files(__package__) / "nginx" / name).read_bytes() for name in FILES}
    bodies[MAP] = nginx_map(rule).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            replace_whole(folder / name, body)
    except OSError as error:
        raise NotWrittenError(f"{error.filename or folder}: {error.strerror}") from None
    return [folder / name for name in bodies]
