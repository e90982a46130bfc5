"""How an app comes to a layer's endpoints: by entry point, and for that layer alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from mocklend import plugins
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend_faults.api import BLUEPRINTS, blueprints
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.engine import FaultLayer


def test_an_app_has_the_endpoints_of_its_layer_and_of_no_other(open_platform: Callable[..., Platform]) -> None:
    foreign: Any = object()
    honest = create_app(Settings(database="unused"), open_platform())

    assert blueprints(FaultLayer([])) == BLUEPRINTS
    assert blueprints(foreign) == ()
    assert not any(rule.rule.startswith("/-/rules") for rule in honest.url_map.iter_rules())


def test_an_endpoint_of_faults_on_a_platform_without_the_layer_says_so(open_platform: Callable[..., Platform]) -> None:
    with pytest.raises(TypeError, match="these endpoints need a FaultLayer, and the platform has NoneType"):
        layer_of(open_platform())


def test_an_entry_point_of_a_missing_package_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("gone", "no_such_package.api:blueprints", "x"), EntryPoint("there", "json:dumps", "x")]
    monkeypatch.setattr(plugins, "entries_of", lambda group: entries)

    assert [kind.name for kind in plugins.installed("x")] == ["there"]


def test_each_tag_is_named_once(open_platform: Callable[..., Platform]) -> None:
    spec: Any = create_app(Settings(database="unused"), open_platform(FaultLayer())).spec
    names = [tag["name"] for tag in spec["tags"]]

    assert len(names) == len(set(names))


def test_the_engine_loads_without_the_web() -> None:
    """A program that only decides, as a replay does, needs no Flask."""
    code = (
        "import sys, mocklend_faults.engine; print(sorted({'flask', 'apiflask', 'mocklend.api'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"
