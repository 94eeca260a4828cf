"""
The native operators: what two values are to each other, for the conditions of flagcore's own format.

For all of them: an argument that is `ABSENT` makes the comparison false, `!=` and `not in` as well; what is of unlike
types is not comparable, and so false; a boolean is no number; nothing raises for JSON values. Python's tuples count as
arrays. A function gives True or False.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT
from flagcore.rules.instant import instant
from flagcore.rules.model import Call, Const, Operator
from flagcore.rules.pattern import matches, pattern
from flagcore.rules.semver import FORM, satisfies, wanted

__all__ = [
    "AFTER",
    "BEFORE",
    "CONTAINS",
    "ENDSWITH",
    "EQUAL",
    "GREATER",
    "GREATER_EQUAL",
    "IN",
    "IN_NETWORK",
    "LESS",
    "LESS_EQUAL",
    "MATCHES",
    "NOT_EQUAL",
    "NOT_IN",
    "SEMVER",
    "STARTSWITH",
    "check_call",
]

_Network = IPv4Network | IPv6Network


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not True and value is not False


def _comparable(one: Any, other: Any) -> bool:
    if isinstance(one, str):
        return isinstance(other, str)
    if _is_number(one):
        return _is_number(other)
    if isinstance(one, (list, tuple)):
        return isinstance(other, (list, tuple))
    return type(one) is type(other) and one is not ABSENT


def _equal(one: Any, other: Any) -> bool:
    if not _comparable(one, other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(value, other[name]) for name, value in one.items())
    return bool(one == other)


def _not_equal(one: Any, other: Any) -> bool:
    return _comparable(one, other) and not _equal(one, other)


def _ordered(one: Any, other: Any) -> bool:
    return _is_number(other) if _is_number(one) else isinstance(one, str) and isinstance(other, str)


def _less(one: Any, other: Any) -> bool:
    return _ordered(one, other) and bool(one < other)


def _less_equal(one: Any, other: Any) -> bool:
    return _ordered(one, other) and bool(one <= other)


def _greater(one: Any, other: Any) -> bool:
    return _ordered(one, other) and bool(one > other)


def _greater_equal(one: Any, other: Any) -> bool:
    return _ordered(one, other) and bool(one >= other)


def _in(one: Any, others: Any) -> bool:
    return isinstance(others, (list, tuple)) and any(_equal(one, each) for each in others)


def _not_in(one: Any, others: Any) -> bool:
    return one is not ABSENT and isinstance(others, (list, tuple)) and not _in(one, others)


def _startswith(text: Any, start: Any) -> bool:
    return isinstance(text, str) and isinstance(start, str) and text.startswith(start)


def _endswith(text: Any, end: Any) -> bool:
    return isinstance(text, str) and isinstance(end, str) and text.endswith(end)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    return _in(part, whole)


def _after(*moments: Any) -> bool:
    one, other = _two(moments)
    return one is not None and other is not None and one >= other


def _before(*moments: Any) -> bool:
    one, other = _two(moments)
    return one is not None and other is not None and one < other


def _two(moments: tuple[Any, ...]) -> tuple[float | None, float | None]:
    if len(moments) == 1:
        return time.time(), _moment(moments[0])
    return (_moment(moments[0]), _moment(moments[1])) if len(moments) == 2 else (None, None)


def _moment(text: Any) -> float | None:
    return _instant(text) if isinstance(text, str) and len(text) <= _MAX_MOMENT else None


#: Characters that a moment may have, with fractions and an offset: what is remembered is to hold no long attributes.
_MAX_MOMENT: Final = 64

#: The moments that rules name are few and looked at by every read.
_instant = lru_cache(maxsize=512)(instant)


def _in_network(address: Any, networks: Any) -> bool:
    if not isinstance(address, str):
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    # RFC 4291, section 2.5.5.2: what a socket of both versions calls an IPv4 address.
    inner = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    named = networks if isinstance(networks, (list, tuple)) else [networks]
    there = [network for network in map(_network_of, named) if network is not None]
    return any(each in network for each in (found, inner) if each is not None for network in there)


def _network_of(text: Any) -> _Network | None:
    return _network(text) if isinstance(text, str) else None


@lru_cache(maxsize=512)
def _network(text: str) -> _Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


EQUAL: Final = Operator("==", _equal)  #: (value, value): alike in type and value, arrays and objects all through
NOT_EQUAL: Final = Operator("!=", _not_equal)  #: (value, value): of one type, and not equal
LESS: Final = Operator("<", _less)  #: two numbers, or two strings by their characters
LESS_EQUAL: Final = Operator("<=", _less_equal)
GREATER: Final = Operator(">", _greater)
GREATER_EQUAL: Final = Operator(">=", _greater_equal)
IN: Final = Operator("in", _in)  #: (value, array): equal to one of its elements
NOT_IN: Final = Operator("not in", _not_in)  #: (value, array): there, and equal to none of them
STARTSWITH: Final = Operator("startswith", _startswith)  #: (text, text)
ENDSWITH: Final = Operator("endswith", _endswith)  #: (text, text)
CONTAINS: Final = Operator("contains", _contains)  #: (text, part of it), or (array, element)
MATCHES: Final = Operator("matches", matches)  #: (text, pattern): found anywhere in it; see `rules.pattern`
SEMVER: Final = Operator("semver", satisfies)  #: (version, requirement such as ">=2.1.0"); see `rules.semver`
AFTER: Final = Operator("after", _after)  #: (moment): now is it or later; (moment, moment): the first is
BEFORE: Final = Operator("before", _before)  #: (moment): now is earlier; (moment, moment): the first is
IN_NETWORK: Final = Operator("in_network", _in_network)  #: (address, network such as "10.0.0.0/8", or an array of them)


def check_call(call: Call) -> None:
    """
    Check what a call of a native operator has among its arguments that is written in the document: a pattern, a
    version, a moment, a network.

    Raises:
        MalformedDocument: it is not what the operator takes.
    """
    check = _CHECKS.get(call.operator)
    if check is not None and call.arguments and isinstance(call.arguments[-1], Const):
        check(call.arguments[-1].value)


def _check_pattern(value: Any) -> None:
    if not isinstance(value, str):
        raise MalformedDocument(f"expected a regular expression, got {value!r}")
    pattern(value)


def _check_requirement(value: Any) -> None:
    if not isinstance(value, str) or wanted(value) is None:
        raise MalformedDocument(f"expected {FORM}; got {value!r}")


def _check_moment(value: Any) -> None:
    if instant(value) is None:
        raise MalformedDocument(f"expected a date or a time such as 2027-03-01T09:00:00Z, got {value!r}")


def _check_networks(value: Any) -> None:
    for each in value if isinstance(value, list) else [value]:
        if _network_of(each) is None:
            raise MalformedDocument(f'expected a network such as "10.0.0.0/8", got {each!r}')


_CHECKS: Final[dict[Operator, Callable[[Any], None]]] = {
    MATCHES: _check_pattern,
    SEMVER: _check_requirement,
    AFTER: _check_moment,
    BEFORE: _check_moment,
    IN_NETWORK: _check_networks,
}
