"""A Django site behind its gate, for WSGI."""

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path

from federation.site.install import protect_wsgi

settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], DEBUG=False)


def article(_request, name):
    return HttpResponse(f"Article {name}.", headers={"Cache-Control": "public, max-age=60"})


def stream(_request, name):
    return StreamingHttpResponse(f"{part} {name}." for part in ("One", "Two"))


def file(_request):
    return FileResponse(Path(os.environ["SITE_FILE"]).open("rb"), content_type="text/plain")


urlpatterns = [path("news/<name>", article), path("stream/<name>", stream), path("file", file)]
app = protect_wsgi(get_wsgi_application(), os.environ["SITE_CONFIG"])
