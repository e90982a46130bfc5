"""Commands of operations staff: edits, charges, write-offs, refunds, reversals, disputes, and queries to channels."""

from mocklend.servicing.approvals import ApproveEdit, RejectEdit
from mocklend.servicing.catch_up import CatchUp
from mocklend.servicing.certificates import IssueCertificate
from mocklend.servicing.charges import Charge, Waive
from mocklend.servicing.decisions import DecideDispute
from mocklend.servicing.disputes import AddStatement, FollowDispute, OpenDispute, VerifyDispute
from mocklend.servicing.edits import Edit, ReverseEdit
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.servicing.pages import RebuildPage
from mocklend.servicing.rebooking import RebookRepayment
from mocklend.servicing.receipts import ReverseReceipt
from mocklend.servicing.refunds import Refund
from mocklend.servicing.reinstating import ReinstateRepayment
from mocklend.servicing.repayments import QueryChannel, ReverseRepayment
from mocklend.servicing.write_offs import WriteOff

__all__ = [
    "AddStatement",
    "ApproveEdit",
    "CatchUp",
    "Charge",
    "DecideDispute",
    "Edit",
    "FollowDispute",
    "IssueCertificate",
    "MatchReceipt",
    "MoveReceipt",
    "OpenDispute",
    "QueryChannel",
    "RebookRepayment",
    "RebuildPage",
    "Refund",
    "ReinstateRepayment",
    "RejectEdit",
    "ReverseEdit",
    "ReverseReceipt",
    "ReverseRepayment",
    "VerifyDispute",
    "Waive",
    "WriteOff",
]
