"""A class of forty groups as it is after half an hour: some have handed in, with more or fewer right findings."""

from __future__ import annotations

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of

RULES = {
    "lost-callbacks": {"fault": "callback.dropped", "select": {"every": 3}},
    "repeated-callbacks": {"fault": "callback.duplicated", "select": {"every": 4}},
    "blank-references": {"fault": "channel.unrecognised", "with": {"garble": "blank"}},
}
CLOCK = {"mode": "manual", "now": "2026-01-05T10:00:00+08:00"}
LOANS, GROUPS = 12, 40


def a_class(platform: Platform, names: tuple[str, str], groups: int = GROUPS) -> str:
    """The path of the page of a class that was just made. `names` are the label of its sandbox, and its own."""
    label, name = names
    with create_app(Settings(), platform).test_client() as http:
        prepared = http.post("/-/sandboxes", json={"seed": 7, "clock": CLOCK, "label": label}).get_json()["id"]
        client = client_of(http.application.wsgi_app, prepared)
        for rule, body in RULES.items():
            client.put_rule(rule, body)
        for n in range(LOANS):
            borrower = client.add_borrower(f"borrower-{n}", f"Borrower {n}")
            loan = client.borrow(borrower["id"], 100_000, product_id="jiebei-like", idempotency_key=f"borrow-{n}")
            client.repay(loan["id"], 5_000 + n, "wallet", "OVD_AND_CURRENT", idempotency_key=f"repay-{n}")
            if n % 4 == 0:
                client.pay_at_channel(
                    "bill_pay", 700, payer_name="A", payer_reference=loan["id"], idempotency_key=f"push-{n}"
                )
        client.advance("P1D")
        entries = client.answer_key(status="active")["entries"]
        right = [{"class": each["expected"]["class"], "entity": each["expected"]["entity"]} for each in entries]
        made = http.post("/-/classes", json={"name": name, "size": groups, "sandbox_id": prepared}).get_json()
        for n, key in enumerate(made["keys"]):
            headers = {"Authorization": f"Bearer {key['api_key']}"}
            if n % 10 in (1, 2, 4, 5, 6, 8, 9):
                left_out, wrong = (n * 7) % 5, n % 3 if n % 4 else 0
                findings = right[: len(right) - left_out]
                findings += [{"class": "misapplied", "entity": f"loan_{other}"} for other in range(wrong)]
                http.post("/-/scores", json={"findings": findings}, headers=headers)
            elif n % 10:
                http.get("/v1/loans", headers=headers)
    return f"/console/{prepared}/class/{made['made']['id']}"
