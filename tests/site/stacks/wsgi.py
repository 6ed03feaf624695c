"""The WSGI gate under waitress: `python -m tests.site.stacks.wsgi CONFIG PORT`."""

import signal
import sys
from http import HTTPStatus
from typing import Any

import waitress

from federation.site.install import protect_wsgi
from tests.site.stacks.pages import TEXT, page_of


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Answer as README.md says."""
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    status, parts, more = page_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    headers = [("content-type", TEXT), ("x-page", "yes"), *more]
    if len(parts) < 2 and status != 204:
        headers.append(("content-length", str(len(b"".join(parts)))))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return iter(() if is_head else parts)


def serve(gate: Any) -> None:
    """Serve until a signal comes."""
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
    serve(protect_wsgi(application, sys.argv[1]))
