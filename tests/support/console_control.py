"""The API of the sandbox that a test's browser looks at."""

from __future__ import annotations

from flask.testing import FlaskClient

from mocklend.client import Doc


class Control:
    """The API of the sandbox that the browser looks at."""

    def __init__(self, http: FlaskClient, made: Doc) -> None:
        self.http, self.sandbox_id, self.key = http, made["id"], made["api_key"]
        self.n = 0

    def call(self, method: str, path: str, body: object = None) -> Doc:
        self.n += 1
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"key-{self.n}"}
        answer = self.http.open(path, method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.get_json() if answer.data else {}

    def repay(self) -> str:
        """A loan, with a repayment through the wallet that its channel reports. Returns the loan's id."""
        ada = self.call("POST", "/v1/borrowers", {"reference": "ada", "name": "Ada"})["id"]
        terms = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like"}
        loan = str(self.call("POST", "/v1/loans", terms)["id"])
        pay = {"amount_minor": 10_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        self.call("POST", f"/v1/loans/{loan}/repayments", pay)
        self.call("POST", "/-/clock/advance", {"by": "PT1H"})
        return loan
