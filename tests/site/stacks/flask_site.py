"""Flask behind the WSGI gate, on waitress: `python -m tests.site.stacks.flask_site FILE PORT`."""

import sys

from flask import Flask, Response, request, send_file

from federation.site.install import protect_wsgi
from tests.site.stacks.pages import FILE, TEXT, page_of
from tests.site.stacks.wsgi import serve

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
app = Flask(__name__)
app.url_map.merge_slashes = False


@app.route("/", defaults={"path": ""}, methods=METHODS)
@app.route("/<path:path>", methods=METHODS)
def page(path: str) -> Response:
    """Answer as README.md says."""
    if path.endswith("/file"):
        sent = send_file(FILE, mimetype="text/plain", etag=False)
        sent.headers["X-Page"] = "yes"
        return sent
    status, parts, more = page_of(request.method, path)
    body = iter(parts) if len(parts) > 1 else b"".join(parts)
    return Response(body, status, [("X-Page", "yes"), *more], content_type=TEXT)


def main() -> None:
    """Serve until a signal comes."""
    app.wsgi_app = protect_wsgi(app.wsgi_app, sys.argv[1])
    serve(app)


if __name__ == "__main__":
    main()
