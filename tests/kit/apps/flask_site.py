"""A Flask site behind its gate; its file is named on the command line of the server."""

import os

from flask import Flask, Response, send_file

from federation.site.install import protect_wsgi

app = Flask(__name__)


@app.get("/news/<name>")
def article(name):
    return Response(f"Article {name}.", headers={"Cache-Control": "public, max-age=60"})


@app.get("/stream/<name>")
def stream(name):
    return Response(f"{part} {name}." for part in ("One", "Two"))


@app.get("/file")
def file():
    return send_file(os.environ["SITE_FILE"], mimetype="text/plain")


app.wsgi_app = protect_wsgi(app.wsgi_app, os.environ["SITE_CONFIG"])
