"""`scripts/wheel`: the defects of an installed wheel that it finds, and when it has no verdict."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import wheel

from mocklend import __version__
from mocklend.exit_codes import ExitCode


def command(
    folder: Path, version: str = f"mocklend {__version__}", demo: str = '{"as_told": true}', code: int = 0
) -> Path:
    """An installed `mocklend` that prints this."""
    file = folder / "mocklend"
    file.write_text(
        f"#!/bin/sh\nif [ $1 = --version ]; then echo '{version}'; else echo '{demo}'; echo oh >&2; exit {code}; fi\n"
    )
    file.chmod(0o755)
    return file


def test_a_wheel_whose_version_and_demo_work_passes(tmp_path: Path) -> None:
    assert wheel._wrong_with(command(tmp_path), tmp_path) is None


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"version": "mocklend 9.9.9"}, "it says that it is 'mocklend 9.9.9'"),
        ({"demo": "", "code": 1}, "mocklend demo --json left with 1: oh"),
        ({"demo": "Mocklend"}, "the demo printed no JSON: 'Mocklend"),
        ({"demo": "{}"}, "the demo told nothing"),
    ],
)
def test_a_defect_of_a_wheel_is_reported(tmp_path: Path, broken: dict[str, str], message: str) -> None:
    wrong = wheel._wrong_with(command(tmp_path, **broken), tmp_path)  # type: ignore[arg-type]

    assert wrong is not None
    assert wrong.startswith(message)


def test_the_command_does_not_see_this_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "platform")
    monkeypatch.setenv("MOCKLEND_URL", "http://127.0.0.1:1")
    file = tmp_path / "mocklend"
    file.write_text(
        f'#!/bin/sh\nenv > seen\npwd >> seen\necho "mocklend {__version__}"\nexit $([ $1 = demo ] && echo 1 || echo 0)\n'
    )
    file.chmod(0o755)

    wheel._wrong_with(file, tmp_path)

    text = (tmp_path / "seen").read_text()
    assert "PYTHON" not in text
    assert "MOCKLEND" not in text
    assert str(tmp_path) in text


SERVES = """#!{python}
import http.server, json, signal, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, text = {answers!r}[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit({code}))
if {up}:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    print(json.dumps({{"url": "http://127.0.0.1:%d" % server.server_port}}), flush=True)
    server.serve_forever()
sys.exit(3)
"""
CLOCK = {"/-/clock": (200, "{}")}


def serving(folder: Path, answers: dict[str, tuple[int, str]], *, code: int = 0, up: bool = True) -> Path:
    """An installed `mocklend` whose server answers so."""
    file = folder / "mocklend"
    file.write_text(SERVES.format(python=sys.executable, answers=answers, code=code, up=up))
    file.chmod(0o755)
    return file


def test_a_server_whose_api_and_first_page_answer_as_they_should_passes(tmp_path: Path) -> None:
    without = serving(tmp_path, {**CLOCK, "/": (404, "pip install 'mocklend[console]'")})
    assert wheel._wrong_served(without, tmp_path, 404, wheel.EXTRA) is None

    with_console = serving(tmp_path, {**CLOCK, "/": (200, "<h1>Start</h1>")})
    assert wheel._wrong_served(with_console, tmp_path, 200, "<h1>") is None


@pytest.mark.parametrize(
    ("answers", "code", "up", "message"),
    [
        ({**CLOCK, "/": (500, "oh")}, 0, True, "the server answers GET / with 500, not with 200 and '<h1>': 'oh'"),
        ({**CLOCK, "/": (200, "oh")}, 0, True, "the server answers GET / with 200, not with 200 and '<h1>': 'oh'"),
        ({"/-/clock": (500, "oh"), "/": (200, "<h1>")}, 0, True, "the server answers GET /-/clock with (500, 'oh')"),
        ({**CLOCK, "/": (200, "<h1>")}, 1, True, "the server left with 1"),
        ({}, 0, False, "mocklend serve left with 3 before it said its address"),
    ],
)
def test_a_defect_of_the_installed_server_is_reported(
    tmp_path: Path, answers: dict[str, tuple[int, str]], code: int, up: bool, message: str
) -> None:
    wrong = wheel._wrong_served(serving(tmp_path, answers, code=code, up=up), tmp_path, 200, "<h1>")

    assert wrong == message


def test_what_is_installed_beside_it_is_what_the_lock_pins(tmp_path: Path) -> None:
    pins = wheel._constraints(tmp_path).read_text().splitlines()
    lock = (wheel.ROOT / "requirements.lock").read_text()

    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^ \\[\]]+( *;.*)?", pin) for pin in pins), "no hash, no extra"
    assert len(pins) == len(re.findall(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==", lock, re.MULTILINE)) > 50


@pytest.mark.parametrize(
    ("failing", "code", "message"),
    [("wheel", ExitCode.FAIL, "could not be built"), ("install", ExitCode.INCONCLUSIVE, "could not install")],
)
def test_what_cannot_be_built_fails_and_what_cannot_be_installed_has_no_verdict(
    failing: str,
    code: ExitCode,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ran(line: Sequence[str]) -> int:
        if "wheel" in line:
            (tmp_path / "mocklend-0-py3-none-any.whl").touch()
        return int(failing in line)

    monkeypatch.setattr(wheel, "_ran", ran)

    assert wheel._judged(tmp_path, None) == code
    assert message in capsys.readouterr().out


def test_a_good_wheel_is_kept_in_the_given_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ran(line: Sequence[str]) -> int:
        if "wheel" in line:
            (tmp_path / "mocklend-0-py3-none-any.whl").write_text("a wheel")
        return 0

    monkeypatch.setattr(wheel, "_ran", ran)
    monkeypatch.setattr(wheel, "_wrong_with", lambda mocklend, folder: None)
    monkeypatch.setattr(wheel, "_wrong_served", lambda mocklend, folder, status, text: None)

    assert wheel._judged(tmp_path, tmp_path / "dist") == ExitCode.PASS
    assert (tmp_path / "dist" / "mocklend-0-py3-none-any.whl").read_text() == "a wheel"
    assert capsys.readouterr().out.startswith("PASS: mocklend-0-py3-none-any.whl, 7 bytes")
