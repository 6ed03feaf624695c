"""A FastAPI site behind its gate."""

import os

from fastapi import FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse

from federation.site.install import protect

site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@site.api_route("/news/{name}", methods=["GET", "HEAD"])
def article(name: str):
    return PlainTextResponse(f"Article {name}.", headers={"Cache-Control": "public, max-age=60"})


@site.get("/stream/{name}")
def stream(name: str):
    return StreamingResponse(iter([f"One {name}.", f"Two {name}."]))


@site.get("/file")
def file():
    return FileResponse(os.environ["SITE_FILE"], media_type="text/plain")


app = protect(site, os.environ["SITE_CONFIG"])
