"""
What bytes mean: one module a dialect, each with `parse(document) -> Ruleset`.

A dialect's module is loaded by `load`, or when the first document of it comes.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats.place import Places
from flagcore.formats.syntax import decode
from flagcore.rules.model import Fault, Ruleset
from flagcore.rules.references import bounded, check_cycles

if TYPE_CHECKING:
    from flagcore.source import Body

__all__ = ["EMPTY", "FORMATS", "check_format", "faults", "load", "parse", "parse_document", "refuse_faults"]

#: The formats by name; each is the module of that name here. What follows a dash is the generation of a dialect that
#: has several.
FORMATS = ("native", "foff", "soasap", "flagd", "flagd-v2", "flagd-v3", "ofrep")

#: The document without a flag, in each dialect.
EMPTY = {
    "native": b'{"flags": {}}',
    "foff": b'{"features": {}}',
    "soasap": b"{}",
    "flagd": b'{"flags": {}}',
    "ofrep": b'{"flags": []}',
}


def check_format(name: object) -> str:
    """
    `name`, if a format has it.

    Raises:
        ConfigError: none has.
    """
    if isinstance(name, str) and name in FORMATS:
        return name
    close = get_close_matches(str(name), FORMATS, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"format: expected one of {', '.join(FORMATS)}; got {name!r}{hint}")


def load(name: str) -> ModuleType:
    """
    The module of the format called `name`. For whoever is about to start a thread that parses: what that thread had
    half loaded when the process forked would stay half loaded in the child for ever.

    Raises:
        ConfigError: there is no such format.
    """
    found = _loaded.get(name)
    if found is None:
        found = _loaded[name] = import_module(f"flagcore.formats.{check_format(name).partition('-')[0]}")
    return found


#: The modules by format. Python 3.10's importlib takes a lock for a module that is there already, too, and a child
#: that was forked in that moment would wait for it for ever.
_loaded: dict[str, ModuleType] = {}


def parse(name: str, body: Body) -> Ruleset:
    """
    What the document in `body` says, in the format called `name`. I/O: none. Locks: none.

    Raises:
        MalformedDocument: it is no document of that format; `.where` is the JSON path of the fault.
        ConfigError: there is no such format.
    """
    document = decode(body.content, body.syntax)
    # Only YAML is read a second time for its places: it is what people write by hand, and reading it was slow before.
    places = Places(body.content) if body.syntax == "yaml" else None
    try:
        return _placed(parse_document(name, document), places)
    except MalformedDocument as error:
        if places is None:
            raise
        raise MalformedDocument(error.message, where=error.where, place=places.of(error.where)) from error


def parse_document(name: str, document: object) -> Ruleset:
    """
    What a decoded document says; otherwise as `parse`.
    """
    module, generation = load(name), name.partition("-")[2]
    if not isinstance(document, dict):
        from flagcore.value import kind

        raise MalformedDocument(f"expected an object as the whole document, got {kind(document)}")
    ruleset: Ruleset = module.parse(document, generation) if generation else module.parse(document)
    check_cycles(ruleset)
    return bounded(ruleset)


def faults(ruleset: Ruleset) -> list[Fault]:
    """
    All that could not be understood in a document that stands for the rest of it.
    """
    return [*ruleset.faults, *(each for each in ruleset.definitions.values() if isinstance(each, Fault))]


def refuse_faults(ruleset: Ruleset, name: str = "native") -> Ruleset:
    """
    `ruleset`, if nothing is wrong in it: for those who can still mend their document. In flagd's format, whose rules
    say that a flag's fault leaves the other flags as they are, nothing is refused for one.

    Raises:
        MalformedDocument: something is; it is about the first, and says how many more there are.
    """
    found = faults(ruleset)
    if not found or name.startswith("flagd"):
        return ruleset
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise MalformedDocument(f"{found[0].message}{more}", where=found[0].where, place=found[0].place)


def _placed(ruleset: Ruleset, places: Places | None) -> Ruleset:
    if places is None or not faults(ruleset):
        return ruleset

    def placed(fault: Fault) -> Fault:
        return replace(fault, place=places.of(fault.where))

    definitions = {key: placed(each) if isinstance(each, Fault) else each for key, each in ruleset.definitions.items()}
    return replace(ruleset, definitions=definitions, faults=tuple(map(placed, ruleset.faults)))
