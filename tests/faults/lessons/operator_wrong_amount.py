"""An operator waives part of a bill, and types two digits the wrong way round."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A correction by 12.34, decided by somebody who can count."""
    run.client.edit(
        run.loan(), "MODIFY_BILL_AMOUNT", amount_minor=1_234, operator="olaf", memo="fee of 12.34, ticket 4711"
    )


def repair(run: StoryRun) -> None:
    """Take the edit back."""
    [edit] = run.client.edits(run.loans[0])["edits"]
    run.client.reverse_edit(edit["id"], operator="olga", memo="two digits changed places")
