"""The console's place beside the API: `/` and `/console/…` go to the console, which is built when first asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import orjson

from mocklend.domain.problems import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mocklend.api.asked import AskedOfApp
    from mocklend.config import Settings
    from mocklend.runtime import Platform

API = "mocklend.api"
"""In the WSGI environment of a page: the app of the API, for pages that make requests as a client does."""
ASKED = "mocklend.asked"
"""In the WSGI environment of a page: the requests that the API has logged."""
CONSOLE = "/console"
"""The path of the console's pages."""


class WithConsole:
    """A WSGI app with the console beside it. Thread-safe."""

    def __init__(self, api: WSGIApplication, platform: Platform, settings: Settings, asked: AskedOfApp) -> None:
        self._api = api
        self._asked = asked
        self._platform, self._settings = platform, settings
        self._console: WSGIApplication | None = None
        self._building = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["PATH_INFO"]
        if path not in ("/", CONSOLE) and not path.startswith(f"{CONSOLE}/"):
            return self._api(environ, start_response)
        if find_spec("babel") is None:
            return _not_installed(start_response)
        environ[API], environ[ASKED] = self._api, self._asked
        return self.console(environ, start_response)

    @property
    def console(self) -> WSGIApplication:
        """The console's app. It is built once: a server that nobody looks at starts without its templates."""
        with self._building:
            if self._console is None:
                from mocklend.console.app import create_console

                self._console = create_console(self._platform, self._settings).wsgi_app
            return self._console


def _not_installed(start_response: StartResponse) -> Iterable[bytes]:
    refused = Refused("not_found", "the console is not installed", expected="pip install 'mocklend[console]'")
    body = orjson.dumps(refused.to_json())
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response("404 NOT FOUND", headers)
    return (body,)
