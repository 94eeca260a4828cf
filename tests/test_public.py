from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from types import ModuleType
from typing import Any, get_origin, get_type_hints

import pytest

import flagcore

PUBLIC = [
    "flagcore",
    "flagcore.adapter",
    "flagcore.errors",
    "flagcore.testing",
    "flagcore.compat.foff",
    "flagcore.compat.soasap",
]

FIXED = {
    "FlagClient", "Flags", "Flag", "EvaluationContext", "Resolution", "Reason", "ErrorCode", "Status", "Snapshot",
    "Source", "ErrorContext", "MemorySource", "FileSource", "EnvSource", "HTTPSource", "FoffSource", "SoasapSource",
    "get_flags",
}  # fmt: skip


def public_objects() -> list[tuple[str, Any]]:
    modules: list[ModuleType] = [importlib.import_module(name) for name in PUBLIC]
    named = {f"{module.__name__}.{name}": getattr(module, name) for module in modules for name in module.__all__}
    return sorted(named.items())


def test_the_promised_names_are_there() -> None:
    """Other people's code is written against them."""
    assert set(flagcore.__all__) >= FIXED
    for name in flagcore.__all__:
        assert getattr(flagcore, name) is not None
    assert flagcore.__all__ == sorted(flagcore.__all__)
    assert set(flagcore.__all__) <= set(dir(flagcore))
    with pytest.raises(AttributeError, match="has no attribute 'FlagClinet'"):
        flagcore.FlagClinet  # noqa: B018


def test_every_public_name_has_a_docstring() -> None:
    """And every public method of a public class."""
    missing = []
    for name, thing in public_objects():
        if get_origin(thing) is not None:  # an alias such as Callable[…], which Python 3.10 takes for a class
            continue
        if inspect.isclass(thing):
            members = [(f"{name}.{key}", member) for key, member in vars(thing).items() if not key.startswith("_")]
            callables = [(key, member) for key, member in members if callable(member) or isinstance(member, property)]
            missing += [key for key, member in callables if not inspect.getdoc(member)]
        if (inspect.isclass(thing) or inspect.isroutine(thing)) and not inspect.getdoc(thing):
            missing.append(name)
    assert missing == []


def test_type_hints_of_every_public_name_can_be_had() -> None:
    """What inspects annotations at run time finds them."""
    for _, thing in public_objects():
        if inspect.isclass(thing):
            for member in (thing, *filter(inspect.isfunction, vars(thing).values())):
                get_type_hints(member)
        elif inspect.isfunction(thing):
            get_type_hints(thing)


def loaded_by(code: str) -> dict[str, Any]:
    script = (
        "import sys, time, json; before = set(sys.modules); began = time.perf_counter();"
        f"{code};"
        "took = time.perf_counter() - began;"
        "print(json.dumps({'new': sorted(set(sys.modules) - before), 'ms': took * 1000}))"
    )
    found: dict[str, Any] = json.loads(subprocess.check_output([sys.executable, "-c", script]))
    return found


HEAVY = {"asyncio", "anyio", "httpx", "httpcore", "ssl", "yaml", "ruamel.yaml", "trio", "starlette", "flask", "django"}


def test_importing_flagcore_costs_next_to_nothing() -> None:
    """No framework, HTTP library, event loop or parser; at most 80 modules."""
    new = loaded_by("import flagcore")["new"]
    assert not HEAVY & set(new)
    assert len(new) <= 80


def test_describing_a_source_loads_no_network() -> None:
    """Settings files do it at import."""
    new = loaded_by("from flagcore import HTTPSource; HTTPSource('http://127.0.0.1:9/', 'native')")["new"]
    assert not HEAVY & set(new)


def test_reading_from_memory_loads_no_network() -> None:
    """A client without a network source needs none of it."""
    code = "from flagcore import *; FlagClient(MemorySource({'flags': {}}), EnvSource(), cache_dir=None).get_bool('a')"
    assert not HEAVY & set(loaded_by(code)["new"])
