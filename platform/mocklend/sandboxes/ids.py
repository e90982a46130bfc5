"""Ids that repeat: from the sandbox's seed and the client's own reference or key, never from the order of arrival."""

from __future__ import annotations

import base64
import hashlib

from mocklend.domain.facts import RETURN_PREFIX

ALPHABET_LENGTH = 20
"""Twenty base32 characters: 100 bits, so that no two entities of a sandbox meet by chance."""


def make_id(prefix: str, seed: int, *parts: str | int) -> str:
    """`prefix_` and a hash of the seed and the parts."""
    return f"{prefix}_{suffix(seed, prefix, *parts)}"


def suffix(seed: int, *parts: str | int) -> str:
    """The part of an id after its prefix: lower-case base32."""
    text = "\x1f".join([str(seed), *map(str, parts)])
    digest = hashlib.blake2b(text.encode(), digest_size=15).digest()
    return base64.b32encode(digest).decode().lower()[:ALPHABET_LENGTH]


def batch_position_percent(id: str) -> int:
    """How far a run over all of its kind is when it comes to this one, from 0 to 99: a run goes in no order of time."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=4).digest()) * 100 >> 32


def out_trade_no(repayment_id: str) -> str:
    """The order number that the platform gives a channel: one for each repayment."""
    return "ML" + repayment_id.removeprefix("rpy_").upper()


def repayment_of(order_no: str) -> str:
    """The repayment behind an out_trade_no."""
    return "rpy_" + order_no.removeprefix("ML").lower()


def receipt_of(order_no: str) -> str:
    """The receipt that a push payment becomes."""
    return "rct_" + order_no.removeprefix("PY").lower()


def money_of(order_no: str) -> str:
    """The repayment behind an out_trade_no, or the receipt of a push payment."""
    return receipt_of(order_no) if order_no.startswith("PY") else repayment_of(order_no)


def order_no(receipt_id: str) -> str:
    """The channel's order number behind a repayment, or behind a push payment's receipt."""
    if receipt_id.startswith("rct_"):
        return "PY" + receipt_id.removeprefix("rct_").upper()
    return out_trade_no(receipt_id)


def receipt_behind(fact_id: str) -> str:
    """The repayment or receipt that a callback's fact is about: itself, or the one that was returned."""
    return fact_id.removeprefix(RETURN_PREFIX)


def return_of(receipt_id: str) -> str:
    """The fact that a repayment's or receipt's money was taken back. It sorts after its receipt, at one moment too."""
    return RETURN_PREFIX + receipt_id


def callback_of(fact_id: str) -> str:
    """The callback that tells the platform of a repayment, or of other money by its fact."""
    return "cb_" + fact_id.removeprefix("rpy_")


def channel_chain(channel_id: str) -> str:
    """The journal chain of money that has no loan."""
    return f"channel:{channel_id}"
