"""The WSGI gate under waitress: `python -m tests.site.stacks.wsgi CONFIG PORT`."""

import signal
import sys
from http import HTTPStatus
from typing import Any

import waitress

from federation.site.install import protect_wsgi
from tests.site.stacks.asgi import DONE, PAGE, PAGES


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Answer as README.md says."""
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    is_read = is_head or environ["REQUEST_METHOD"] == "GET"
    name = environ["PATH_INFO"].rpartition("/")[2]
    status, parts, more = PAGES.get(name, PAGE) if is_read else DONE
    headers = [("content-type", "text/plain; charset=utf-8"), ("x-page", "yes"), *more]
    if len(parts) < 2 and status != 204:
        headers.append(("content-length", str(len(b"".join(parts)))))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return iter(() if is_head else parts)


def main() -> None:
    """Serve until a signal comes."""
    gate = protect_wsgi(application, sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # waitress ends in order
    waitress.serve(
        gate,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        threads=8,
        max_request_header_size=1 << 20,
        clear_untrusted_proxy_headers=False,  # which headers are believed, the gate decides
    )


if __name__ == "__main__":
    main()
