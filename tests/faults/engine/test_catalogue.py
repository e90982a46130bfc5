"""Finding the kinds."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from mocklend.domain.problems import Refused
from mocklend_faults.engine import catalogue
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale

KIND = "mocklend_faults.kinds.cache_bounded_stale"


def installed_with(monkeypatch: pytest.MonkeyPatch, **entries: str) -> catalogue.Catalogue:
    entry_points = [EntryPoint(name, value, catalogue.GROUP) for name, value in entries.items()]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: entry_points)
    return catalogue.installed.__wrapped__()


def test_an_installed_kind_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(installed_with(monkeypatch, **{"cache.bounded_stale": KIND})) == ["cache.bounded_stale"]


def test_an_entry_point_with_another_name_than_its_fault_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(catalogue.BadKind, match=r"cache\.lag"):
        installed_with(monkeypatch, **{"cache.lag": KIND})


def test_a_module_holds_one_fault() -> None:
    assert catalogue.fault_in(import_module(KIND)) is BoundedStale
    with pytest.raises(catalogue.BadKind, match="defines 0"):
        catalogue.fault_in(ModuleType("empty"))


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"unknown fault 'cashe_lag'; known: cache\.bounded_stale"):
        catalogue.find(catalogue.named([BoundedStale]), "cashe_lag")


def test_a_kind_without_heals_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(BoundedStale, "heals")

    with pytest.raises(catalogue.BadKind, match="lacks heals"):
        installed_with(monkeypatch, **{"cache.bounded_stale": KIND})


def test_a_kind_with_a_method_for_an_unknown_seam_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedStale, "view_refreshed", lambda self, event: event, raising=False)

    with pytest.raises(catalogue.BadKind, match="methods that belong to no seam: view_refreshed"):
        installed_with(monkeypatch, **{"cache.bounded_stale": KIND})


def test_no_file_has_a_list_of_the_seams() -> None:
    """A new seam is found by its file: code that needs all seams uses SEAMS."""
    root = Path(__file__).resolve().parents[3]
    met: dict[str, set[str]] = {}
    for folder in ("platform", "faults", "tests", "loadtests"):
        for file in (root / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            met[str(file)] = set(re.findall(r"from mocklend\.seams\.(\w+_\w+) import [A-Z][a-z]", text))

    assert {file for file, seams in met.items() if len(seams) > 10} == set()
