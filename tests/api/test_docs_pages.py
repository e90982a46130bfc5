"""The docs pages: they load nothing from another origin, and every file that they need is served."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from mocklend.api import docs_pages
from mocklend.domain.problems import PROBLEMS
from support.caller import Caller

ROOT = Path(__file__).parents[2]


def test_vendored_files_have_their_published_hashes() -> None:
    vendored = json.loads((docs_pages.VENDORED / "swagger-ui.json").read_text(encoding="utf-8"))
    notes = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")

    assert {path.name for path in docs_pages.SWAGGER.iterdir()} == set(vendored["sha256"])
    for name, digest in vendored["sha256"].items():
        assert hashlib.sha256((docs_pages.SWAGGER / name).read_bytes()).hexdigest() == digest, name
        assert f"| `{name}` | `{digest}` |" in notes
    assert f"{vendored['name']} {vendored['version']}" in notes
    assert vendored["licence"] in notes


@pytest.mark.parametrize("path", ["/docs", "/docs/problems"])
def test_a_docs_page_requests_nothing_from_another_origin(stranger: Caller, path: str) -> None:
    page = stranger.get(path)

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    text = page.get_data(as_text=True)
    assert "://" not in text
    assert "<script>" not in text
    assert "<style" not in text
    assert "style=" not in text


def test_everything_that_a_docs_page_requests_is_served(stranger: Caller) -> None:
    for path in ("/docs", "/docs/problems"):
        for part in re.findall(r'(?:src|href)="([^"#]+)"', stranger.get(path).get_data(as_text=True)):
            assert stranger.get(urljoin(path, part)).status_code == 200, part


def test_a_file_outside_the_docs_pages_is_not_served(stranger: Caller) -> None:
    for name in ("..%2Fpages.py", "swagger-ui.json", "nothing.js"):
        stranger.problem(stranger.get(f"/docs/assets/{name}"), 404, "not_found")


def test_every_problem_has_an_anchor_where_its_type_points(stranger: Caller) -> None:
    text = stranger.get("/docs/problems").get_data(as_text=True)

    assert re.findall(r'<section id="([a-z_]+)">', text) == list(PROBLEMS)
