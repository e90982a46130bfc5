"""Hostile values on every query parameter, part of an address, header and field of every operation: never a 5xx.

The operations come from /openapi.json, so a new one is asked too. Each request is an operation's own example, which
works as it stands, with one value in it that nobody should send. On both engines: what one of them stores, the other
may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer

pytestmark = pytest.mark.security

STORY = (
    "addBorrower", "addWebhookEndpoint", "borrow", "repay", "payAtChannel", "", "queryPayment", "putRule",
    "putExperiment", "openDispute", "edit", "charge",
)  # fmt: skip
"""What there is to be asked about; a blank is a day that passes."""
ENDS = ("resetSandbox", "deleteSandbox")
"""What takes away what the others are about comes last."""

UNSTORABLE = ("%00", "a%00b", "%ED%A0%80", "%ff", "%C3", "%F4%90%80%80")
"""NUL, half of a surrogate pair, and bytes that are not UTF-8, percent-encoded."""
UNREADABLE = ("%0a", "%0d%0aX: 1", "%09", "%1b[2J", "%7f", "%C2%85", "%E2%80%A8")
"""Control characters."""
TEXTS = (
    "", " ", "null", "true", "NaN", "-0", "[]", "{}", "%", "%zz", "%u0000", "a" * 300, "a" * 70_000, "é", "٣",
    "%F0%9F%92%B8", "%E2%80%AE", "' OR 1=1 --", '"; DROP TABLE loans; --', "../../etc/passwd", "$(id)", "{{7*7}}",
    "2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 400, "1e400", "-1e400",
    "0x10", "1_000", "0000-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:60Z",
    "2026-01-05T24:00:00Z", "PT9999999999S", "P999999D", "P99999W", "http://[::1", "http://a..b/",
)  # fmt: skip
IN_TEXT = (*UNSTORABLE, *UNREADABLE, *TEXTS)
QUICK_TEXT = ("%00", "%ff", "0001-01-01T00:00:00%2B14:00")

IN_JSON: tuple[str, ...] = (
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udc00\ud800"', r'"\n"', r'"\u0085"', r'"\u001b[2J"', r'"\u007f"',
    '""', '" "', '"%s"' % ("a" * 300), '"%s"' % ("a" * 60_000), '"é"', '"٣"', '"\U0001f4b8"', '"\u202e"', '"null"',
    "null", "true", "false", "[]", "{}", "[[]]", '{"a": 1}', "[null]", r'["\u0000"]', r'{"\u0000": 1}',
    "0", "-1", "-0", "-0.0", "0.5", "1.0", "1e3", "1e-400", "1e308", "-1e308", "1e400", "1E999999999", "9" * 400,
    "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "999999999999999", "1000000000000001",
    '"9223372036854775808"', '"1e400"', '"1E+999999999"', '"NaN"', '"Infinity"', '"0.%s"' % ("9" * 50),
    '"0000-01-01"', '"0001-01-01"', '"1970-01-01"', '"9999-12-31"', '"2999-12-31"', '"2026-02-30"',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"1969-12-31T23:59:59Z"', '"9999-12-31T23:59:59-14:00"',
    '"2999-12-31T23:59:59Z"', '"2026-01-05T24:00:00Z"', '"2026-01-05T23:59:60Z"', '"PT9999999999S"', '"P999999D"',
    '"P99999W"', '"http://[::1"', '"http://a..b/"', '"http://a:99999/"', '"(((((((((("', '"* * * * *"', '"*/0 * * * *"',
)  # fmt: skip
QUICK_JSON = (r'"a\u0000b"', "9223372036854775808", "18446744073709551616", "1E999999999", '"9999-12-31"')

RULE = {
    "fault": "cache.bounded_stale",
    "match": {"loan_id": {"matches": "loan_.*"}, "amount_minor": {"gte": 1, "lt": 5}, "channel": {"in": ["wallet"]}},
    "activate": {
        "start_delay_s": 1, "duration_s": 60, "ttl_s": 600, "schedule": "0 2 * * mon-fri",
        "ramp": {"over_s": 600, "from": 0, "to": 1},
    },
    "select": {
        "probability": 0.5, "unit": "entity", "skip_first": 1, "every": 2, "times": 3, "times_per": {"entity": 1},
        "max_active": 4,
    },
    "with": {"lag_s": 60},
    "expect": {"class": "stale_view", "severity": "minor"},
    "enabled": True,
}  # fmt: skip
TERMS = {
    "method": "equal_instalment", "terms": 12, "rate": "0.06", "rate_per": "year", "day_count": "30E/360",
    "penalty": {"multiplier": "1.5", "grace_days": 3},
}  # fmt: skip
FULLER: dict[str, tuple[Any, ...]] = {
    "putRule": (RULE,),
    "putExperiment": ({"stages": [{"name": "a", "duration_s": 60, "rules": {"one": RULE}}]},),
    "tryOutSchedule": ({"principal_minor": 1, "start_date": "2026-01-05", "currency": "CNY", "product": TERMS},),
    "advanceClock": ({"to": "2026-01-06T02:00:00Z"},),
}
"""Bodies with more fields than the example has."""


@dataclass(frozen=True)
class HostileRequest:
    """A request. The body is text, because JSON has values that Python's data has not."""

    path: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: str | None
    what: str = "as it stands"


@dataclass
class Place:
    """A platform with its faults, a story in it, and its OpenAPI document."""

    platform: Platform
    http: FlaskClient
    operations: dict[str, tuple[str, str, dict[str, Any]]]
    schemas: dict[str, Any]
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    def ask(self, name: str, request: HostileRequest) -> int:
        """Send a request with a key of its own, and keep the answer if it is a 5xx."""
        self.asked += 1
        method, path, operation = self.operations[name]
        for part, value in request.path.items():
            path = path.replace("{" + part + "}", value)
        environ = {f"HTTP_{header.upper().replace('-', '_')}": value for header, value in request.headers.items()}
        if environ.get("HTTP_IDEMPOTENCY_KEY") == "":
            environ["HTTP_IDEMPOTENCY_KEY"] = f"hostile-{self.asked}"
        body = None
        if request.body is not None:
            body, environ["CONTENT_TYPE"] = request.body.encode("utf-8", "surrogatepass"), "application/json"
        query = "&".join(f"{key}={value}" for key, value in request.query.items())
        # The client of the tests would encode an address again.
        environ |= {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query}
        answer = self.http.open("/", method=method, data=body, environ_overrides=environ)
        if answer.status_code >= 500:
            self.wrong.append(f"{name}, {request.what}: {answer.status_code} {answer.get_data(as_text=True)[:400]}")
        elif str(answer.status_code) not in operation["responses"] and answer.status_code not in (404, 405):
            self.wrong.append(f"{name}, {request.what}: {answer.status_code} is not documented")
        return answer.status_code

    def example(self, name: str) -> HostileRequest:
        """An operation's example, with a key of its own where it takes one."""
        _, _, operation = self.operations[name]
        parameters: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                parameters[parameter["in"]][parameter["name"]] = parameter["example"]
        if "Idempotency-Key" in parameters["header"]:
            parameters["header"]["Idempotency-Key"] = ""
        body = None
        if "requestBody" in operation:
            body = json.dumps(operation["requestBody"]["content"]["application/json"]["example"])
        return HostileRequest(parameters["path"], parameters["query"], parameters["header"], body)

    def variants(self, name: str, texts: tuple[str, ...], values: tuple[str, ...]) -> Iterator[HostileRequest]:
        """Each parameter and each field in turn, with each of the values."""
        good, (_, _, operation) = self.example(name), self.operations[name]
        kinds = [("query", good.query), ("path", good.path), ("headers", good.headers)]
        named = [
            (parameter["in"].replace("header", "headers"), parameter["name"])
            for parameter in operation.get("parameters", [])
        ]
        named += [("headers", extra) for extra in HEADERS if len(texts) > len(QUICK_TEXT)] + [("query", "%00")]
        for where, parameter in named:
            before = dict(kinds)[where]
            for text in texts:
                if where == "headers":
                    text = unquote_to_bytes(text).decode("latin-1")
                elif where == "query":
                    text = text.replace("&", "%26").replace("#", "%23").encode().decode("latin-1")
                changed: dict[str, Any] = {where: before | {parameter: text}}
                yield replace(good, what=f"{where} {parameter} = {text[:60]!r}", **changed)
        bodies = [] if good.body is None else [json.loads(good.body), *FULLER.get(name, ())]
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for body in bodies:
            for place in (*_places(body), *((_field,) for _field in self._fields(schema) if _field not in body)):
                for value in values:
                    if name == "advanceClock" and any(far in value for far in FAR):
                        continue
                    text = json.dumps(_with(body, place, MARK)).replace(f'"{MARK}"', value)
                    yield replace(good, body=text, what=f"body {'.'.join(map(str, place))} = {value[:60]}")

    def _fields(self, schema: dict[str, Any]) -> list[str]:
        resolved = self.schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
        return list(resolved.get("properties", ()))


FAR = ("2999", "PT9999999999S", "2147483648")
"""Valid times to which a clock would take minutes to advance."""
MARK = "the value goes here"
HEADERS = ("Authorization", "Mocklend-Fault", "Mocklend-Request-Id", "Content-Type", "Accept", "X-Mocklend-Control")
"""Headers that any request may have, beside those that an operation declares."""


def _places(document: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of each value of a document, and of the document itself."""
    yield at
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield from _places(value, (*at, key))


def _with(document: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The document with another value at a place."""
    if not place:
        return value
    first, rest = place[0], place[1:]
    if isinstance(document, list):
        return [_with(item, rest, value) if n == first else item for n, item in enumerate(document)]
    return {**document, first: _with(document.get(first), rest, value)}


def _place(platform: Platform) -> Place:
    """Run the story in the sandbox `default`, which the examples are about, on a manual clock."""
    http = create_app(Settings(default_seed=7, fault_header="on"), platform).test_client()
    document = http.get("/openapi.json").get_json()
    operations = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    place = Place(platform, http, operations, document["components"]["schemas"])
    assert http.put("/-/clock", json={"mode": "manual"}).status_code == 200
    for name in STORY:
        if name:
            example = place.example(name)
            key = operations[name][2].get("parameters", [])
            for entry in key:
                if entry["name"] == "Idempotency-Key":
                    example.headers["Idempotency-Key"] = entry["example"]
            assert place.ask(name, example) < 300, name
        else:
            assert http.post("/-/clock/advance", json={"by": "P1D"}).status_code == 200
    return place


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A platform on each engine."""
    database = str(tmp_path / "mocklend.db")
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql_alone")
    platform = Platform(database, find_layer(), fast=request.param == "sqlite", delivers=False)
    yield _place(platform)
    platform.close()


def _walk(place: Place, texts: tuple[str, ...], values: tuple[str, ...]) -> None:
    for name in place.operations:
        if name not in ENDS:
            for request in place.variants(name, texts, values):
                place.ask(name, request)
            place.ask("getRequests", place.example("getRequests"))  # What was refused is on record, too.
    for name, (method, _, _) in place.operations.items():
        if method == "GET":
            place.ask(name, place.example(name))
    for name in ENDS:  # Refused, or gone with all that is in it.
        for request in place.variants(name, texts, values):
            place.ask(name, request)


def test_no_hostile_value_causes_a_5xx(place: Place) -> None:
    _walk(place, QUICK_TEXT, QUICK_JSON)

    assert not place.wrong, "\n".join(place.wrong)
    assert place.asked > 1_000


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_none_of_many_hostile_values_causes_a_5xx(place: Place) -> None:
    _walk(place, IN_TEXT, IN_JSON)

    assert not place.wrong, "\n".join(place.wrong)
    assert place.asked > 50_000
