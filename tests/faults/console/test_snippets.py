"""The test that a page offers for pytest: it arms the rule that the page would arm, for each kind, under a real pytest."""

from __future__ import annotations

import html
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mocklend.client import Client, Doc
from mocklend_faults.console.snippets import OWN_NAMES, pytest_test
from mocklend_faults.engine.catalogue import installed
from support.console import Browser
from support.console_control import Control

FORM = {
    "fault": "callback.dropped",
    "id": "lost.2-callbacks",
    "select.probability": "0.25",
    "select.times": "3",
    "select.unit": "entity",
    "match.loan_id": "loan_x",
    "activate.duration_s": "3600",
    "with.attempts_lost": "2",
    "show": "pytest",
}
SAME = ("fault", "match", "activate", "select", "with", "expect", "enabled")


def shown(page: str) -> str:
    """The test that a page shows."""
    [found] = re.findall(r"<pre[^>]*>(def test_.*?)</pre>", page, re.DOTALL)
    return html.unescape(found)


def armed_by(text: str, client: Client) -> Doc:
    """The one rule that a test arms in the sandbox of a client."""
    names: dict[str, object] = {}
    exec(text, names)
    [test] = [value for name, value in names.items() if name.startswith("test_")]
    test(client)  # type: ignore[operator]
    [rule] = client.rules()["rules"]
    client.disarm(rule["id"])
    return {name: rule[name] for name in SAME}


def test_the_names_that_arm_takes_for_itself_are_known() -> None:
    parameters = inspect.signature(Client.arm).parameters.values()

    assert {each.name for each in parameters if each.kind is not each.VAR_KEYWORD} - {"self"} == OWN_NAMES


def test_the_test_of_each_kind_arms_what_its_form_arms(browser: Browser, control: Control, mocklend: Client) -> None:
    for kind in installed():
        page = browser.get(f"/faults?kind={kind}")
        fields = dict(re.findall(r'name="(id|select\.\w+|with\.\w+)" value="([^"]*)"', page))
        fields |= {
            name: re.findall(r'<option value="([^"]*)"[^>]* selected', options)[0]
            for name, options in re.findall(r'<select id="[^"]*" name="(with\.\w+)">(.*?)</select>', page, re.DOTALL)
        }
        answer = browser.post("/faults", {**fields, "fault": kind})
        assert answer.status_code == 303, answer.text[:2000]
        armed = control.call("GET", f"/-/rules/{kind}")

        assert armed_by(shown(page), mocklend) == {name: armed[name] for name in SAME}, kind


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "callback.dropped"},
        {"fault": "callback.dropped", "enabled": False},
        {"fault": "cache.bounded_stale", "match": {"reference": {"matches": 'it\'s "x"\\d.*'}}, "with": {"lag_s": 9}},
        {"fault": "outage.full", "select": {"probability": 0.1, "every": 2, "times_per": {"entity": 1}}},
        {
            "fault": "outage.full",
            "activate": {"ramp": {"from": 0, "to": 0.5, "over_s": 60}},
            "expect": {"severity": "x"},
        },
    ],
)
def test_whatever_a_rule_says_its_test_says(mocklend: Client, rule: Mapping[str, object]) -> None:
    armed = mocklend.put_rule("one", rule)
    mocklend.disarm("one")

    assert armed_by(pytest_test("one", rule), mocklend) == {name: armed[name] for name in SAME}


def test_the_test_of_the_form_and_that_of_the_armed_rule_pass_under_a_real_pytest(
    browser: Browser, control: Control, tmp_path: Path
) -> None:
    of_form = shown(browser.post("/faults", FORM).text)
    browser.go("/faults", {name: value for name, value in FORM.items() if name != "show"})
    of_rule = shown(browser.get("/rules/lost.2-callbacks"))
    rule = control.call("GET", "/-/rules/lost.2-callbacks")
    checks = "".join(f"    assert mocklend.rule({rule['id']!r})[{name!r}] == {rule[name]!r}\n" for name in SAME)
    (tmp_path / "test_copied.py").write_text(
        of_form + checks + "\n\n" + of_rule.replace("test_", "test_again_", 1) + checks
    )

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_copied.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert "2 passed" in done.stdout, done.stdout + done.stderr
