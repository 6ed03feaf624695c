"""Django behind the WSGI gate, on gunicorn; `python -m tests.site.stacks.django_site FILE PORT`."""

import sys
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import re_path
from gunicorn.app.base import BaseApplication

from federation.site.install import protect_wsgi
from tests.site.stacks.pages import FILE, TEXT, page_of


def page(request: HttpRequest) -> HttpResponseBase:
    """Answer as README.md says."""
    status, parts, more = page_of(request.method or "", request.path)
    said = {"status": status, "content_type": TEXT, "headers": {"X-Page": "yes", **dict(more)}}
    if request.path.endswith("/file"):
        return FileResponse(FILE.open("rb"), **said)
    if len(parts) > 1:
        return StreamingHttpResponse(parts, **said)
    return HttpResponse(b"".join(parts), **said)


urlpatterns = [re_path("", page)]


class Gunicorn(BaseApplication):
    """One worker: the table counts wrong tokens, which each process does for itself."""

    def load_config(self) -> None:
        """Take headers of any length, and the address from the command line."""
        self.cfg.set("bind", f"127.0.0.1:{sys.argv[2]}")
        self.cfg.set("threads", 8)
        self.cfg.set("limit_request_field_size", 1 << 16)
        self.cfg.set("limit_request_line", 8190)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Any:
        """Return the site behind its gate."""
        return protect_wsgi(get_wsgi_application(), sys.argv[1])


def main() -> None:
    """Serve until a signal comes."""
    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"])
    Gunicorn().run()


if __name__ == "__main__":
    main()
