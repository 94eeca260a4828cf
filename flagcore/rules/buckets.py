"""
Who falls where: rollouts and splits, the same in every process, on every machine, for ever.

A key is hashed with a salt, and the hash says where it lies among equal parts. Nothing is stored; changing anything
here would take features from people who have them.

    >>> bucket("new-checkout", "user-1"), bucket("new-checkout", "user-2"), bucket("new-checkout", "")
    (5192, 2310, 9506)

Source: MurmurHash3_x86_32 with the seed 0, unsigned, of the UTF-8 of `salt:key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

import mmh3

__all__ = ["BUCKETS", "HASHES", "bucket", "hashed", "share", "threshold", "unit"]

#: Buckets of a rollout: a hundredth of a percent each, the finest step that anybody sets by hand.
BUCKETS: Final = 10_000

#: The hashes there are: 32 bits.
HASHES: Final = 1 << 32


def bucket(salt: str, key: str | int, buckets: int = BUCKETS) -> int:
    """
    Where `key` lies among so many equal parts: 0 to `buckets` - 1.

    Args:
        salt: what makes the parts of different flags independent.
        key: who is asking. A whole number lies where its decimal text does.
        buckets: 1 to 2**32.

    Raises:
        TypeError: the key is neither a string nor a whole number.
    """
    text = unit(key)
    if text is None:
        raise TypeError(f"key: expected a string or a whole number, got {type(key).__name__}")
    return (hashed(f"{salt}:{text}") * buckets) >> 32


def hashed(text: str) -> int:
    """
    The hash of `text`: 0 to 2**32 - 1.
    """
    # surrogatepass: half a surrogate pair has no UTF-8, and must not make a read fail.
    return mmh3.hash(text.encode("utf-8", "surrogatepass"), 0, False)


def unit(value: Any) -> str | None:
    """
    `value` as an identity, to be hashed, or found among the ids of overrides: a string, or the decimal text of a whole
    number, `5` and JSON's `5.0` alike. None for anything else, `ABSENT` among it, which lies nowhere.
    """
    if isinstance(value, str):
        return str.__str__(value)  # an Enum's own __str__ gives its name
    if type(value) is float and value.is_integer():
        value = int(value)
    try:
        return str(value) if type(value) is int else None
    except ValueError:  # more digits than Python writes
        return None


def threshold(percent: Any) -> int:
    """
    The number of hashes that a rollout of so many percent holds: those below it. 0 for what is no number.

    A rollout of P percent holds the keys whose bucket is below 100 P. More percent never hold fewer keys.

    Args:
        percent: 0 to 100; what is outside counts as the nearer end.
    """
    if type(percent) is not int and type(percent) is not float:
        return 0
    if not percent > 0:  # nor is nan
        return 0
    # Rounded first: 0.07 * 100 is a little above 7 in binary, and would hold an eighth bucket.
    held = ceil(round(percent * 100, 6)) if percent < 100 else BUCKETS
    # h * BUCKETS >> 32 < held, said of h.
    return -(-held * HASHES // BUCKETS)


def share(hash_: int, weights: Sequence[int]) -> int:
    """
    Which of several weighted parts a hash falls into, taken in order: its index.

    Args:
        hash_: 0 to 2**32 - 1.
        weights: whole numbers, 0 or more, one of them above.
    """
    place = (hash_ * sum(weights)) >> 32
    for index, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return index
    return len(weights) - 1
