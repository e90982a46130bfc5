import pytest

from mocklend.storage.work import Sandbox
from support.caller import Caller

pytestmark = pytest.mark.parametrize("app", ["flask", "hot"], indirect=True)


def test_requests_are_counted_by_template_method_and_status(api: Caller) -> None:
    loan = api.borrow()
    api.get(f"/v1/loans/{loan['id']}")
    api.get("/v1/loans/loan_nobody")
    api.get("/nowhere")

    text = api.get("/-/metrics").get_data(as_text=True)

    assert 'mocklend_requests_total{endpoint="/v1/loans/<id:loan_id>",method="GET",status="200"} 1.0' in text
    assert 'mocklend_requests_total{endpoint="/v1/loans/<id:loan_id>",method="GET",status="404"} 1.0' in text
    assert 'mocklend_requests_total{endpoint="none",method="GET",status="404"} 1.0' in text
    assert 'mocklend_request_duration_seconds_count{endpoint="/v1/loans",method="POST"} 1.0' in text
    assert "mocklend_writer_group_commands_count 2.0" in text


def test_no_metric_names_a_sandbox_or_a_loan(api: Caller, sandbox: Sandbox) -> None:
    loan = api.borrow()

    text = api.get("/-/metrics").get_data(as_text=True)

    assert sandbox.id not in text
    assert loan["id"] not in text
