"""A caller of the HTTP API. Every answer is checked against the OpenAPI document at once."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from apiflask import APIFlask
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import TestResponse

from mocklend.api.hot import HotPaths
from mocklend.client import Doc
from mocklend.door import Headers, Hot, Respond
from mocklend.received import ReceivedRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}


_documents: dict[frozenset[str], Doc] = {}


def document_of(app: APIFlask) -> Doc:
    """An app's OpenAPI document. It takes longer than most tests: apps with the same addresses share one."""
    addresses = frozenset(map(repr, app.url_map.iter_rules()))
    if addresses not in _documents:
        _documents[addresses] = app.test_client().get("/openapi.json").get_json()
    return _documents[addresses]


class Documented:
    """The OpenAPI document of an app, to check answers with it."""

    def __init__(self, app: APIFlask) -> None:
        self._app = app
        self.document = document_of(app)
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("urn:spec", resource)

    def check(self, response: TestResponse) -> None:
        """Check that the answer's status, media type and body are documented."""
        with self._app.test_request_context(environ_overrides=response.request.environ) as context:
            rule = context.request.url_rule
        if rule is None or rule.rule.startswith(("/docs", "/openapi")):
            return
        template = rule.rule.replace("<id:", "{").replace(">", "}")
        method = response.request.method.lower()
        documented = self.document["paths"][template][method]["responses"]
        assert str(response.status_code) in documented, f"{method} {template} does not document {response.status_code}"
        content = documented[str(response.status_code)].get("content", {})
        if not content:
            assert response.data == b""
            return
        assert response.mimetype is not None
        assert response.mimetype in content
        if response.mimetype.endswith("json"):
            pointer = "/".join(
                part.replace("~", "~0").replace("/", "~1")
                for part in ("paths", template, method, "responses", str(response.status_code))
            )
            media = response.mimetype.replace("/", "~1")
            schema = {"$ref": f"urn:spec#/{pointer}/content/{media}/schema"}
            Draft202012Validator(schema, registry=self._registry).validate(response.get_json())


class Caller:
    """Somebody with the key of a sandbox."""

    def __init__(self, app: APIFlask, documented: Documented, api_key: str | None) -> None:
        self._client = app.test_client()
        self._documented = documented
        self._keys = 0
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def get(self, path: str, **query: object) -> TestResponse:
        """GET."""
        return self.call("GET", path, query_string=query)

    def post(self, path: str, body: object = None, *, key: str | None = None, **headers: str) -> TestResponse:
        """POST a JSON body, under a fresh idempotency key or under this one."""
        self._keys += 1
        named = {"Idempotency-Key": key or f"key-{self._keys}"} | {n.replace("_", "-"): v for n, v in headers.items()}
        return self.call("POST", path, json={} if body is None else body, headers=named)

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        json: object = None,
        data: bytes | str | None = None,
        query_string: Mapping[str, object] | str | None = None,
        environ_overrides: Mapping[str, object] | None = None,
    ) -> TestResponse:
        """Anything."""
        response = self._client.open(
            path,
            method=method,
            headers={**self.headers, **(headers or {})},
            json=json,
            data=data,
            query_string=query_string,
            environ_overrides=environ_overrides or {},
        )
        assert response.status_code != 500, response.get_data(as_text=True)
        document = response.get_json(silent=True) or {}
        if document.get("code") not in ("not_found", "method_not_allowed"):
            self._documented.check(response)
        return response

    @staticmethod
    def made(response: TestResponse) -> Doc:
        """The body of a success."""
        assert response.status_code < 300, response.get_data(as_text=True)
        document: Doc = response.get_json()
        return document

    @staticmethod
    def problem(response: TestResponse, status: int, code: str) -> Doc:
        """The document of a problem, in the one shape that there is."""
        document: Doc = response.get_json()
        assert (response.status_code, document["code"]) == (status, code), document
        assert response.mimetype == "application/problem+json"
        assert document["status"] == status
        assert document["type"] == f"/docs/problems#{code}"
        assert document["title"]
        assert document["detail"]
        assert document["hint"]
        return document

    # --- the story ---

    def borrower(self, reference: str = "ada", **more: object) -> str:
        """Ada becomes a borrower."""
        body = {"reference": reference, "name": reference.title(), **more}
        return str(self.made(self.post("/v1/borrowers", body))["id"])

    def borrow(self, principal_minor: int = 100_000, **more: object) -> Doc:
        """Ada borrows 1,000.00."""
        body = {"borrower_id": self.borrower(), "principal_minor": principal_minor, "product": TERMS, **more}
        return self.made(self.post("/v1/loans", body))

    def quote(self, loan_id: str, type: str = "CLEAR") -> Doc:
        """What would it take?"""
        return self.made(self.post(f"/v1/loans/{loan_id}/quotes", {"type": type}))

    def repay(self, loan_id: str, amount_minor: int, channel: str = "wallet", **more: object) -> Doc:
        """Order a repayment."""
        body = {"amount_minor": amount_minor, "channel": channel, "type": "OVD_AND_CURRENT", **more}
        return self.made(self.post(f"/v1/loans/{loan_id}/repayments", body))

    def wait(self, by: str | int) -> Doc:
        """Let time pass."""
        return self.made(self.post("/-/clock/advance", {"by": by}))


class Outcome(Enum):
    """What a hot path did with a request."""

    NOT_TAKEN = 0
    ANSWERED = 1
    ANSWERED_LATER = 2


def ask_hot(hot: Hot, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> Outcome:
    """Put a request to the hot paths as the door does."""
    answered = threading.Event()

    def respond_now(*answer: Any) -> None:
        answered.set()
        respond(*answer)

    if not request.body and hot.at_once(request, respond_now, hand_back):
        return Outcome.ANSWERED if answered.is_set() else Outcome.ANSWERED_LATER
    return Outcome.ANSWERED_LATER if hot.soon(request, respond, hand_back) else Outcome.NOT_TAKEN


class HotFirst:
    """An app as it stands behind the door: its hot paths are asked first."""

    def __init__(self, app: APIFlask, hot: HotPaths) -> None:
        self._app, self._hot = app.wsgi_app, hot
        self.outcomes: list[Outcome] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        headers = {name[5:].replace("_", "-").lower(): environ[name] for name in environ if name.startswith("HTTP_")}
        if "CONTENT_TYPE" in environ:
            headers["content-type"] = environ["CONTENT_TYPE"]
        request = ReceivedRequest(
            environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, body, {}, 0.0
        )
        answers: queue.Queue[tuple[int, Headers, bytes] | None] = queue.Queue()
        outcome = ask_hot(self._hot, request, lambda *answer: answers.put(answer[:3]), lambda: answers.put(None))
        self.outcomes.append(outcome)
        answer = None if outcome is Outcome.NOT_TAKEN else answers.get(timeout=30)
        if answer is None:
            return self._app(environ | request.carried | {"wsgi.input": io.BytesIO(body)}, start_response)
        status, headers_sent, content = answer
        start_response(f"{status} {HTTP_STATUS_CODES[status]}", headers_sent)
        return [content]
