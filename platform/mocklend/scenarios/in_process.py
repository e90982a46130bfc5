"""Carries a client's requests to the app in the same process: no socket, no credential, and every fault.

        Client ─▶ requests.Session ─▶ InProcess ─▶ the WSGI app ─▶ the answer, or what a broken one looks like

The requests take the way of all others, through seams and request log. Only the key is missing: the environment names
the sandbox, as no client could.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from mocklend.api.request_context import INSIDE
from mocklend.client import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

URL = "http://127.0.0.1"


class InProcess(BaseAdapter):
    """A transport of `Client` to this app, for one sandbox; "" before there is one."""

    def __init__(self, app: WSGIApplication, sandbox_id: str = "") -> None:
        super().__init__()
        self._app, self._sandbox_id = app, sandbox_id

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The app's answer. Raises ConnectionError or ChunkedEncodingError where a client would see a broken one."""
        # In a context of its own: Flask and the log know one request at a time.
        return Context().run(self._ask, request)

    def close(self) -> None:
        """Nothing is open."""

    def _ask(self, request: requests.PreparedRequest) -> requests.Response:
        parts = urlsplit(request.url or "")
        builder = EnvironBuilder(
            path=parts.path,
            base_url=URL,
            query_string=parts.query,
            method=request.method or "GET",
            headers=Headers([(name, value) for name, value in request.headers.items() if name != "Content-Length"]),
            data=request.body or b"",
            environ_overrides={INSIDE: self._sandbox_id},
        )
        try:
            content, status, headers = run_wsgi_app(self._app, builder.get_environ(), buffered=True)
            body = b"".join(content)
        finally:
            builder.close()
        if "Transfer-Encoding" in headers and "Content-Length" in headers:
            raise requests.ConnectionError("the connection was closed before an answer", request=request)
        if int(headers.get("Content-Length", len(body))) > len(body):
            raise requests.exceptions.ChunkedEncodingError("the answer ended too early", request=request)
        response = requests.Response()
        response.status_code = int(status.partition(" ")[0])
        response.headers = CaseInsensitiveDict(headers)
        response.encoding = "utf-8"
        response.request, response.url = request, request.url or ""
        response._content = body
        return response


def client_of(app: WSGIApplication, sandbox_id: str = "", control_token: str | None = None) -> Client:
    """A client of this app for one sandbox, or for none yet. With the control token it sees a hidden truth, too."""
    client = Client(URL, transport=InProcess(app, sandbox_id), control_token=control_token)
    client.sandbox_id = sandbox_id or None
    return client
