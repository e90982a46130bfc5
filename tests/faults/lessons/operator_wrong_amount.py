"""An operator waives part of a bill, and types two digits the wrong way round."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """A correction by 12.34, decided by somebody who can count."""
    told.client.edit(
        told.loan(), "MODIFY_BILL_AMOUNT", amount_minor=1_234, operator="olaf", memo="fee of 12.34, ticket 4711"
    )


def repair(told: Told) -> None:
    """Take the edit back."""
    [edit] = told.client.edits(told.loans[0])["edits"]
    told.client.reverse_edit(edit["id"], operator="olga", memo="two digits changed places")
