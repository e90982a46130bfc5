"""A lost correction of a late record: two injections on one account, each visible at its own time."""

from __future__ import annotations

from support import paired_runs
from support.paired_runs import open_entries


def test_a_lost_correction_of_a_late_record_is_found_once_the_record_is_published(
    mocklend_server: str,
) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        client = run.client
        loan = run.loan()
        client.arm("bureau.lag", lag_days=7)
        client.advance("P1D")  # The account is reported for the first time, and late.
        client.disarm("bureau.lag")
        client.arm("bureau.correction_not_sent")
        dispute = client.open_dispute(loan, "other", statement="that is not me")["id"]
        client.verify_dispute(dispute, operator="olga")
        client.decide_dispute(dispute, "UPHELD", operator="olga", memo="right", correct=True)

        client.advance("P4D")
        [late] = open_entries(run)
        client.advance("P5D")

        assert late[0] == "wrong_bureau"
        assert late[1] != loan
        assert open_entries(run) == [("wrong_bureau", loan)]
        client.halt()
        client.decide_dispute(dispute, "UPHELD", operator="olga", memo="again", correct=True)
        client.advance("P3D")
        assert open_entries(run) == []
