"""
The list of allowed imports, and so of who may know whom.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

WORDS = {
    *("errors", "explanation", "resolution", "context", "value", "source", "status"),
    *("thunk", "snapshot", "flags", "binding"),
}
#: Those that only readers have to do with.
READ = {"flags", "binding"}

#: What each part may import of flagcore. A part is a top-level module, or a folder.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "resolution": set(),
    "status": set(),
    "source": set(),
    "context": {"errors"},
    "value": {"errors", "resolution"},
    "explanation": {"resolution"},
    "thunk": {"context", "explanation", "resolution"},
    "snapshot": {"context", "explanation", "resolution", "thunk", "value"},
    "flags": {"context", "errors", "explanation", "resolution", "snapshot", "thunk", "value"},
    "binding": {"flags"},
    "readiness": {"network"},
    "staleness": {"errors"},
    "health": {"status"},
    "reader": WORDS - {"binding"},
    "provided": {"context", "explanation", "resolution", "snapshot", "thunk"},
    "state": WORDS - READ | {"feed", "health", "layer", "process", "provided", "readiness", "staleness"},
    "rules": WORDS - READ,
    "formats": WORDS - READ | {"rules"},
    "network": WORDS - READ | {"formats"},
    "sources": WORDS - READ | {"rules", "formats", "network"},
    "feed": WORDS - READ | {"network"},
    "document": {"formats", "rules", "snapshot", "source"},
    "layer": WORDS - READ | {"document", "feed", "formats", "health", "provided", "staleness"},
    "process": set(),
    "life": WORDS - READ | {"feed", "layer", "process", "state"},
    "client": WORDS | {"feed", "health", "life", "reader", "readiness", "staleness", "state"},
    "options": WORDS | {"client", "sources"},
    "gate": {"errors", "flags", "resolution"},
    "listing": WORDS - READ | {"client"},
    "adapter": WORDS | {"client", "gate", "health", "listing", "options"},
    "testing": WORDS | {"client"},
    "jinja": WORDS | {"adapter"},
    "openfeature": WORDS | {"client", "provided"},
    "examination": {"errors", "formats", "rules", "source"},
    "cli": {"adapter", "client", "errors", "examination", "formats", "sources"},
    "compat": WORDS | {"client", "sources"},
}

#: What adapters may import: the public names.
PUBLIC = {"flagcore", "flagcore.adapter", "flagcore.errors", "flagcore.jinja", "flagcore.testing"}

ADAPTERS = {
    "flagcore_starlette": set(),
    "flagcore_fastapi": {"flagcore_starlette"},
    "flagcore_flask": set(),
    "flagcore_django": set(),
}


def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found += [(node.lineno, node.module)]
    return found


def modules() -> list[Path]:
    return sorted(path for path in (ROOT / "flagcore").rglob("*.py") if path.name != "__init__.py" or path.parent.name)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_only_along_the_arrows(path: Path) -> None:
    """Each part knows what stands before it, and nothing else."""
    inside = path.relative_to(ROOT / "flagcore").with_suffix("")
    part = inside.parts[0]
    if part == "__init__":
        return
    allowed = ALLOWED[part]
    for line, name in imports(path):
        if not name.startswith("flagcore"):
            continue
        head, _, rest = name.partition(".")
        if head != "flagcore":
            assert part == "cli", f"{path.name}:{line} imports {name}: the core knows no adapter"
            continue
        target = rest.split(".")[0]
        fine = not rest or target == part or target in allowed or rest in allowed
        assert fine, f"flagcore/{inside}.py:{line} imports {name}; {part} may import {sorted(allowed)}"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapters_import_only_public_names(adapter: str) -> None:
    """An adapter could be moved out of this project with a rename."""
    for path in (ROOT / "integrations" / adapter).rglob("*.py"):
        for line, name in imports(path):
            if name.startswith("flagcore"):
                own = name.split(".")[0] in {adapter, *ADAPTERS[adapter]}
                assert own or name in PUBLIC, f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_every_part_is_listed() -> None:
    """A new module says what it may know."""
    parts = {path.relative_to(ROOT / "flagcore").with_suffix("").parts[0] for path in modules()}
    assert parts - {"__init__"} <= set(ALLOWED)


def test_no_module_hides_behind_a_name() -> None:
    """A module is named for one concept."""
    hiding = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "impl"}
    found = [path for folder in ("flagcore", "integrations") for path in (ROOT / folder).rglob("*.py")]
    assert [path for path in found if path.stem in hiding] == []
