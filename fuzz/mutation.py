"""
Changing a document so that it is another one, and not mere noise: as a tree where it is JSON, word by word where not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

__all__ = ["Mutate", "RawMutate", "tree", "words"]

#: (data, the bytes it may become at most) to other data: what knows nothing of documents.
RawMutate = Callable[[bytes, int], bytes]

#: (data, the bytes it may become at most, a seed, what else mutates) to other data.
Mutate = Callable[[bytes, int, int, RawMutate], bytes]

#: Names and texts that mean something in one of the formats.
_VOCABULARY = (
    *("flags", "value", "rules", "if", "rollout", "split", "by", "variants", "overrides", "segments", "hierarchy"),
    *("description", "owner", "expires", "metadata", "state", "targeting", "defaultVariant", "$evaluators", "$ref"),
    *("var", "map", "filter", "reduce", "all", "some", "none", "merge", "missing", "missing_some", "fractional"),
    *("sem_ver", "starts_with", "ends_with", "in", "cat", "substr", "==", "===", "!", "!!", "<", "<=", "+", "-", "*"),
    *("/", "%", "min", "max", "and", "or", "accumulator", "current", "features", "ordered_hierarchy", "default"),
    *("key", "reason", "variant", "errorCode", "errorDetails", "ENABLED", "DISABLED", "FLAG_NOT_FOUND", "STATIC"),
    *("a", "b", "plan", "org", "team", "many", "$flagd.flagKey", "targetingKey", "f", "g", "acme#growth", "#", ""),
    *('flag("f")', 'segment("s")', "a == 1", 'matches(a, "(a+)+$")', 'semver(app, "^1.2")', "not " * 60 + "a"),
    *("\x00", "\ud800", "é", "\u2028", "a" * 300, "2027-03-01", "__class__", "1e400"),
)

_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 100, 100.00001, 10_001, 0.1, -0.0, 1e308, 2**53 + 1, 2**63, 2**64, -(2**63) - 1),
    *(float("nan"), float("inf"), 10**400, "", [], {}, [[]], {"": None}, [None], {"a": {}}),
)

#: What a text consists of, for its mutation: words, spaces, single signs.
_WORD = re.compile(r"\w+|[ \t]+|\n|.", re.DOTALL)

_SIGNS = (
    *("{", "}", "[", "]", ":", ",", "-", "=", '"', "'", "#", "&a ", "*a", "<<: *a", "!!str ", "? ", "|", ">", "%YAML"),
    *("---\n", "...\n", "\n", "  ", "\t", '"""', "'''", "[[f]]\n", "[f]\n", "a.b = ", "0x1f", ".inf", "1_0", "~"),
    *("!!python/object:os.system ", "!!binary ", "!!set ", "!!timestamp ", "07:32:00", "2027-03-01T00:00:00Z", "+1"),
)


def tree(data: bytes, size: int, seed: int, raw: RawMutate) -> bytes:
    """
    A JSON document with one to four of its parts replaced, removed, renamed, moved or nested; `raw` once in four
    times, and where `data` is no JSON.
    """
    random = Random(seed)
    if random.random() < 1 / 4:
        return raw(data, size)
    try:
        document = json.loads(data)
        for _ in range(random.randint(1, 4)):
            document = _changed(document, random)
        written = json.dumps(document, ensure_ascii=random.random() < 1 / 2)
    except (ValueError, RecursionError):  # no JSON, or nested by now as deep as Python goes
        return raw(data, size)
    content = written.encode("utf-8", "surrogatepass")
    return content if len(content) <= size else raw(data, size)


def words(data: bytes, size: int, seed: int, raw: RawMutate) -> bytes:
    """
    A text with one to four of its words or lines replaced, removed, repeated or exchanged; `raw` once in four times.
    """
    random = Random(seed)
    if not data or random.random() < 1 / 4:
        return raw(data, size)
    text = data.decode("utf-8", "surrogateescape")
    parts = text.splitlines(keepends=True) if random.random() < 1 / 4 else _WORD.findall(text)
    for _ in range(random.randint(1, 4)):
        at, other = random.randrange(len(parts) + 1), random.randrange(len(parts) + 1)
        new = random.choice((random.choice(_SIGNS), random.choice(_VOCABULARY), *parts[other : other + 1]))
        parts[at : at + random.choice((0, 1, 1, 2))] = [new] * random.choice((0, 1, 1, 1, 2, 50))
    return "".join(parts).encode("utf-8", "surrogatepass")[:size]


def _changed(document: Any, random: Random) -> Any:
    places = [((), document), *_places(document, ())]
    path, old = random.choice(places)
    return _replaced(document, path, _new(old, places, random), random)


def _places(value: Any, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
    """
    All that `value` holds, each with the way to it.
    """
    if not isinstance(value, (dict, list)):
        return []
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [each for name, part in members for each in (((*path, name), part), *_places(part, (*path, name)))]


def _new(old: Any, places: list[Any], random: Random) -> Any:
    way = random.randrange(7)
    if way == 0:
        return random.choice(_ODD)
    if way == 1:
        return random.choice(_VOCABULARY)
    if way == 2:
        return random.choice(places)[1]
    if way == 3:
        return _nested(old, random)
    if way == 4 and isinstance(old, dict):
        return {**old, random.choice(_VOCABULARY): random.choice(places)[1]}
    if way == 5 and isinstance(old, list):
        return [*old, random.choice(places)[1]] * random.choice((1, 1, 2, 30))
    return _varied(old, random)


def _nested(old: Any, random: Random) -> Any:
    name = random.choice(_VOCABULARY)
    for _ in range(random.choice((1, 1, 2, 99, 101))):
        old = [old] if random.random() < 1 / 2 else {name: old}
    return old


def _varied(old: Any, random: Random) -> Any:
    if isinstance(old, bool) or old is None:
        return not old
    if isinstance(old, (int, float)):
        return random.choice((old + 1, -old, old / 3 if abs(old) < 1e300 else 0, str(old)))
    if isinstance(old, str):
        at = random.randrange(len(old) + 1)
        return old[:at] + random.choice(_VOCABULARY) + old[at + random.randrange(3) :]
    if isinstance(old, list):
        return random.sample(old, len(old))
    return {random.choice(_VOCABULARY) if random.random() < 1 / 4 else name: part for name, part in old.items()}


def _replaced(value: Any, path: tuple[Any, ...], new: Any, random: Random) -> Any:
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list):
        return [_replaced(part, tuple(rest), new, random) if n == head else part for n, part in enumerate(value)]
    if not rest and random.random() < 1 / 4:
        return {name: part for name, part in value.items() if name != head}
    return {name: _replaced(part, tuple(rest), new, random) if name == head else part for name, part in value.items()}
