"""Each form of the pages Faults, Import and Rule shows a command; run by a shell, it does what the form does."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping

import pytest
import requests

from mocklend.client import Client, Doc
from mocklend.runtime import NewSandbox, Platform, find_layer
from support.served_console import served
from support.story import MONDAY_MS

CURL = shutil.which("curl")
RULE = {
    "fault": "callback.dropped",
    "id": "lost",
    "select.probability": "0.5",
    "select.unit": "entity",
    "select.times": "3",
    "match.channel": "wallet",
    "with.attempts_lost": "2",
    "activate.duration_s": "3600",
}
RULES = [
    {"id": "lost", "fault": "callback.dropped", "expect": {"severity": "it's $HOME"}},
    {
        "id": "slow",
        "fault": "cache.bounded_stale",
        "with": {"lag_s": 5},
        "match": {"reference": {"matches": '"$HOME".*'}},
    },
]


class Pair:
    """Two equal sandboxes of a served platform: one is changed by forms, the other by commands."""

    def __init__(self, platform: Platform, url: str) -> None:
        self.url, self.pages = url, requests.Session()
        self.by_form, self.by_curl = (self._sandbox(platform, id) for id in ("by-form", "by-curl"))

    @staticmethod
    def _sandbox(platform: Platform, id: str) -> NewSandbox:
        return platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, id=id)

    def arm(self, *rules: Mapping[str, object]) -> None:
        """Arm rules in both sandboxes."""
        for sandbox in (self.by_form, self.by_curl):
            with Client(self.url, sandbox.api_key) as client:
                client.put_rules(rules)

    def commands(self, path: str, form: Mapping[str, str] | None = None) -> list[str]:
        """The commands of a page, which a form shows if one is given."""
        address = f"{self.url}/console/by-form{path}"
        page = self.pages.get(address) if form is None else self.pages.post(address, data=form)
        assert page.status_code == 200, page.text[:2000]
        return [html.unescape(found) for found in re.findall(r"<pre[^>]*>(curl .*?)</pre>", page.text, re.DOTALL)]

    def send(self, path: str, form: Mapping[str, str]) -> None:
        """Send a form."""
        answer = self.pages.post(f"{self.url}/console/by-form{path}", data=form, allow_redirects=False)
        assert answer.status_code == 303, answer.text[:2000]

    def run(self, command: str) -> None:
        """Let a shell run a command in the other sandbox."""
        environment = {**os.environ, "MOCKLEND_API_KEY": self.by_curl.api_key}
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        assert '"status":4' not in done.stdout, done.stdout

    def rules(self) -> tuple[Doc, Doc]:
        """The rules of both sandboxes, and their profiles."""
        found = []
        for sandbox in (self.by_form, self.by_curl):
            with Client(self.url, sandbox.api_key) as client:
                found.append({**client.rules(), "profile": client.profile()})
        return found[0], found[1]


@pytest.fixture
def pair(open_platform: Callable[..., Platform]) -> Iterator[Pair]:
    """Two sandboxes of a platform with the fault layer, served on loopback."""
    if CURL is None:
        pytest.skip("no curl")
    platform = open_platform(find_layer())
    with served(platform) as console:
        yield Pair(platform, console.url)


def one(commands: list[str], *parts: str) -> str:
    """The one command with all of these parts."""
    [found] = [command for command in commands if all(part in command for part in parts)]
    return found


FORMS: Mapping[str, tuple[str, Mapping[str, str], str, Mapping[str, str] | None, tuple[str, ...]]] = {
    "rule": ("/faults", RULE, "/faults", {**RULE, "show": "curl"}, ("PUT", "/-/rules/lost", "attempts_lost")),
    "profile": (
        "/faults/profile",
        {"name": "realistic"},
        "/faults/profile",
        {"name": "realistic", "show": "curl"},
        ("PUT", "/-/profile"),
    ),
    "import": (
        "/faults/import",
        {"rules": json.dumps(RULES)},
        "/faults/import",
        {"rules": json.dumps(RULES), "show": "curl"},
        ("POST", "/-/rules"),
    ),
    "halt": ("/faults/halt", {"from": ""}, "/faults", None, ("POST", "/-/rules/halt")),
    "switch off": ("/rules/on", {"do": "off"}, "/rules/on", None, ("PATCH", "/-/rules/on")),
    "switch on": ("/rules/off", {"do": "on"}, "/rules/off", None, ("PATCH", "/-/rules/off")),
    "delete": ("/rules/on", {"do": "delete"}, "/rules/on", None, ("DELETE", "/-/rules/on")),
}
"""By name: where a form is sent and what it says, where its command is shown and how, and what is in the command."""


@pytest.mark.parametrize("name", FORMS)
def test_the_command_of_a_form_does_what_the_form_does(pair: Pair, name: str) -> None:
    path, form, shown_at, shown_by, parts = FORMS[name]
    off = {"id": "off", "fault": "outage.full", "enabled": False}
    pair.arm({"id": "on", "fault": "callback.dropped"}, off)
    before = pair.rules()

    command = one(pair.commands(shown_at, shown_by), *parts)
    assert pair.rules() == before, "to show a command changes nothing"
    pair.send(path, form)
    pair.run(command)

    by_form, by_curl = pair.rules()
    assert by_form == by_curl
    assert by_form != before[0]


def test_the_command_of_an_armed_rule_arms_it_again(pair: Pair) -> None:
    pair.arm(*RULES)
    command = one(pair.commands("/rules/slow"), "PUT", "/-/rules/slow")
    before, _ = pair.rules()

    with Client(pair.url, pair.by_curl.api_key) as client:
        client.disarm("slow")
    pair.run(command)

    assert pair.rules() == (before, before)
