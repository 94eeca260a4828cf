"""
The targets by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from fuzz.mutation import Mutate, tree, words

__all__ = ["NAMES", "Target", "load"]

_KEPT = Path(__file__).parent / "seeds"

#: The formats and syntaxes that a document may be in. flagd's other generation differs in one operator's arithmetic.
_DOCUMENTS = ("native", "native-yaml", "native-toml", "flagd", "foff", "ofrep", "soasap")

#: The modules that are a target each.
_MODULES = ("condition", "disk", "events")

#: All targets.
NAMES = (*_MODULES, *_DOCUMENTS)


@dataclass(frozen=True)
class Target:
    """
    What is run on each input.

    Attributes:
        once: the run. Raises where a promise is broken.
        seeds: inputs to begin with, and those that once broke a promise.
        mutate: makes another input of one, with sense; None for what knows nothing of its structure.
    """

    once: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    mutate: Mutate | None = None


def load(name: str) -> Target:
    """
    The target called `name`, one of `NAMES`. I/O: reads its kept inputs.
    """
    kept = tuple(path.read_bytes() for path in sorted((_KEPT / name).glob("*")))
    if name in _MODULES:
        module = import_module(f"fuzz.{name}")
        return Target(module.once, (*module.SEEDS, *kept), getattr(module, "mutate", None))
    documents = import_module("fuzz.documents")
    dialect, _, syntax = name.partition("-")
    target = documents.Documents(dialect, syntax or "json")
    return Target(target.once, (*documents.SEEDS[name], *kept), words if syntax else tree)
