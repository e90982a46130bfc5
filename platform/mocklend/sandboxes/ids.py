"""Reproducible ids: derived from the sandbox's seed and the client's reference or key, not from arrival order."""

from __future__ import annotations

import hashlib

from mocklend.domain.facts import RETURN_PREFIX

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
ID_LENGTH = 20
"""Twenty base32 characters: 100 bits, so that no two entities of a sandbox get the same id by chance."""
_DIGEST_BYTES = 15
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_SHIFTS = range(5 * ID_LENGTH - 10, -1, -10)
_REST_BITS = 8 * _DIGEST_BYTES - 5 * ID_LENGTH


def make_id(prefix: str, seed: int, *parts: str | int) -> str:
    """An id: `prefix_` and a hash of the seed and the parts."""
    return f"{prefix}_{suffix(seed, prefix, *parts)}"


def suffix(seed: int, *parts: str | int) -> str:
    """The part of an id after its prefix: lower-case base32."""
    text = "\x1f".join([str(seed), *map(str, parts)])
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
    bits = int.from_bytes(digest) >> _REST_BITS
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


def batch_position_percent(id: str) -> int:
    """The position of an entity in a batch, from 0 to 99 percent: derived from its id, independent of time."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=4).digest()) * 100 >> 32


def out_trade_no(repayment_id: str) -> str:
    """The order number that the platform sends to the channel, unique per repayment."""
    return "ML" + repayment_id.removeprefix("rpy_").upper()


def repayment_of(order_no: str) -> str:
    """The id of the repayment of an order number."""
    return "rpy_" + order_no.removeprefix("ML").lower()


def receipt_of(order_no: str) -> str:
    """The id of the receipt of a push payment's order number."""
    return "rct_" + order_no.removeprefix("PY").lower()


def money_of(order_no: str) -> str:
    """The id of the repayment of an order number, or of a push payment's receipt."""
    return receipt_of(order_no) if order_no.startswith("PY") else repayment_of(order_no)


def order_no(receipt_id: str) -> str:
    """The order number of a repayment or of a push payment's receipt."""
    if receipt_id.startswith("rct_"):
        return "PY" + receipt_id.removeprefix("rct_").upper()
    return out_trade_no(receipt_id)


def receipt_behind(fact_id: str) -> str:
    """The repayment or receipt of a callback's fact: the fact itself, or the money that the fact returned."""
    return fact_id.removeprefix(RETURN_PREFIX)


def return_of(receipt_id: str) -> str:
    """The id of the payment return of a repayment or receipt. It sorts after the receipt's id at equal times."""
    return RETURN_PREFIX + receipt_id


def callback_of(fact_id: str) -> str:
    """The id of the callback that reports a repayment, or another fact by its id."""
    return "cb_" + fact_id.removeprefix("rpy_")


def channel_chain(channel_id: str) -> str:
    """The journal chain of a channel's money without a loan."""
    return f"channel:{channel_id}"
