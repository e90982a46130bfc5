"""The ruler for reads: a Flask app whose one route answers a constant of a status page's size."""

from __future__ import annotations

import orjson
from flask import Flask, Response

DOCUMENT = {"id": "loan_0123456789abcdef", "status": "USING", "figures": {f"field_{n}": n * 1_000 for n in range(25)}}

app = Flask(__name__)


@app.get("/")
def constant() -> Response:
    """The constant."""
    return Response(orjson.dumps(DOCUMENT), mimetype="application/json")
