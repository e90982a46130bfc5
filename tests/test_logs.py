"""The log: one line per event, no secrets, and nothing on standard output."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

import pytest

from mocklend import logs
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.logs import get_logger, in_a_line, masked
from mocklend.runtime import Platform

pytestmark = pytest.mark.security

SECRETS = {
    "Authorization: Bearer mk_AbC-123_x": "mk_AbC-123_x",
    "{'Authorization': 'Bearer abcdef'}": "abcdef",
    "Authorization: Basic dXNlcjpwYXNz": "dXNlcjpwYXNz",
    "X-Mocklend-Control: tok-en_1": "tok-en_1",
    'headers={"X-Mocklend-Operator": "tok-en_1"}': "tok-en_1",
    "no sandbox has mk_0123456789abcdef": "0123456789abcdef",
    "secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=": "K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN",
    "postgresql+psycopg://ada:pa55@db:5432/x is gone": "pa55",
    "postgresql://ada:p@ss:w/rd@db/x": "p@ss:w/rd",
    "host=db password=pa55 user=ada": "pa55",
    "Endpoint(url='http://x', secret='s3cr3t')": "s3cr3t",
    '{"control_token": "abcdefgh"}': "abcdefgh",
    "api_key=abcdefgh": "abcdefgh",
}


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_masked_at_any_place(text: str) -> None:
    assert SECRETS[text] not in masked(text)
    assert "***" in masked(text)


def test_ordinary_words_are_not_masked() -> None:
    for text in ("loan_4f2 of sbx_1 is CLEAR", "http://127.0.0.1:8300/v1/loans?limit=5", "token expected", "12:30:05"):
        assert masked(text) == text


def test_a_token_that_looks_like_any_other_word_is_masked_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_concealed", set())
    logs.conceal(["correct-horse"])

    assert masked("he typed correct-horse") == "he typed ***"


def test_an_exception_is_logged_as_one_line_with_its_place_and_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    def inner(api_key: str) -> None:
        number = 0
        try:
            dict[str, int]()["a loan"]
        except KeyError as missing:
            raise ZeroDivisionError(f"{1 if number else 'a number'}\n[parameters: 4711]") from missing

    try:
        inner("mk_supersecret")
    except ZeroDivisionError as failure:
        get_logger().error("a request failed", trace="1f", exc_info=failure)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert 'event="a request failed" trace=1f error="ZeroDivisionError: a number"' in err
    assert re.search(r"test_logs\.py:\d+ inner < KeyError: 'a loan'", err)
    assert "supersecret" not in err
    assert "4711" not in err


def test_an_endless_message_and_an_endless_recursion_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    def deeper() -> None:
        deeper()

    try:
        deeper()
    except RecursionError as failure:
        get_logger().error("a request failed", exc_info=failure)

    assert len(capsys.readouterr().err) < 2_000
    assert len(in_a_line(ValueError("x" * 10_000))) <= logs.TEXT_MAX


def test_a_request_that_fails_writes_one_line_and_nothing_to_standard_output(
    platform: Platform, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(), platform)

    def fail(*_: Any) -> None:
        raise RuntimeError("Authorization: Bearer mk_supersecret")

    monkeypatch.setattr(platform.writer, "_commit_group", fail)
    body = {"reference": "ada", "name": "Ada"}
    failed = app.test_client().post("/v1/borrowers", json=body)

    out, err = capsys.readouterr()
    assert failed.status_code == 500
    assert out == ""
    assert err.count("\n") == 1
    assert failed.get_json()["trace"] in err
    assert "supersecret" not in err
    assert "RuntimeError" in err


def test_warnings_of_libraries_and_threads_are_logged_in_the_same_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    logs.adopt_libraries()

    logging.getLogger("apscheduler.executors").error("Job failed, password=pa55")
    thread = threading.Thread(target=lambda: 1 // 0, name="courier")
    thread.start()
    thread.join()

    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 2
    assert "of=apscheduler.executors" in lines[0]
    assert "pa55" not in lines[0]
    assert "thread=courier" in lines[1]
    assert "ZeroDivisionError" in lines[1]
