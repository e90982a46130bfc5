"""The app of a platform, and callers of it."""

from __future__ import annotations

import pytest
from apiflask import APIFlask

from mocklend.api.hot import HotPaths
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import NewSandbox, Platform
from support.caller import Caller, Documented, HotFirst


@pytest.fixture
def settings() -> Settings:
    """A server on loopback."""
    return Settings()


@pytest.fixture
def app(request: pytest.FixtureRequest, settings: Settings, platform: Platform) -> APIFlask:
    """The app of an honest platform; with the parameter `hot`, as it stands behind the door."""
    app = create_app(settings, platform)
    if getattr(request, "param", None) == "hot":
        hot = HotPaths(app, platform, on_loopback=settings.on_loopback)
        app.wsgi_app = HotFirst(app, hot)  # type: ignore[method-assign]
    return app


@pytest.fixture
def documented(app: APIFlask) -> Documented:
    """Its OpenAPI document."""
    return Documented(app)


@pytest.fixture
def api(app: APIFlask, documented: Documented, sandbox: NewSandbox) -> Caller:
    """A caller with the key of a sandbox with a manual clock."""
    return Caller(app, documented, sandbox.api_key)


@pytest.fixture
def stranger(app: APIFlask, documented: Documented) -> Caller:
    """A caller without a key."""
    return Caller(app, documented, None)
