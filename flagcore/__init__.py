"""
Feature flags for Python web applications.

    from flagcore import FileSource, FlagClient

    with FlagClient(FileSource("flags.yaml")) as client:
        flags = client.flags({"targeting_key": "user-1"})
        if flags.get_bool("new-checkout"):
            ...

Names load when they are first used, so that `import flagcore` costs next to nothing. This module, `flagcore.errors`,
`flagcore.testing`, `flagcore.adapter`, `flagcore.openfeature` and `flagcore.compat` are public; every other module is
internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flagcore.binding import get_flags as get_flags
    from flagcore.client import FlagClient as FlagClient
    from flagcore.context import EvaluationContext as EvaluationContext
    from flagcore.explanation import Explanation as Explanation
    from flagcore.flags import Flag as Flag
    from flagcore.flags import Flags as Flags
    from flagcore.health import Health as Health
    from flagcore.resolution import ErrorCode as ErrorCode
    from flagcore.resolution import Reason as Reason
    from flagcore.resolution import Resolution as Resolution
    from flagcore.snapshot import Snapshot as Snapshot
    from flagcore.source import SAME as SAME
    from flagcore.source import Body as Body
    from flagcore.source import Same as Same
    from flagcore.source import Source as Source
    from flagcore.sources.env import EnvSource as EnvSource
    from flagcore.sources.file import FileSource as FileSource
    from flagcore.sources.http import FoffSource as FoffSource
    from flagcore.sources.http import HTTPSource as HTTPSource
    from flagcore.sources.http import SoasapSource as SoasapSource
    from flagcore.sources.memory import MemorySource as MemorySource
    from flagcore.sources.ofrep import OFREPSource as OFREPSource
    from flagcore.status import ErrorContext as ErrorContext
    from flagcore.status import ErrorSource as ErrorSource
    from flagcore.status import Status as Status

__version__ = "0.1.0"

#: Where each public name lives; what `__getattr__` loads from.
_HOMES = {
    "SAME": "flagcore.source",
    "Body": "flagcore.source",
    "EnvSource": "flagcore.sources.env",
    "ErrorCode": "flagcore.resolution",
    "ErrorContext": "flagcore.status",
    "ErrorSource": "flagcore.status",
    "EvaluationContext": "flagcore.context",
    "FileSource": "flagcore.sources.file",
    "Explanation": "flagcore.explanation",
    "Flag": "flagcore.flags",
    "FlagClient": "flagcore.client",
    "Flags": "flagcore.flags",
    "FoffSource": "flagcore.sources.http",
    "HTTPSource": "flagcore.sources.http",
    "Health": "flagcore.health",
    "MemorySource": "flagcore.sources.memory",
    "OFREPSource": "flagcore.sources.ofrep",
    "Reason": "flagcore.resolution",
    "Resolution": "flagcore.resolution",
    "Same": "flagcore.source",
    "Snapshot": "flagcore.snapshot",
    "SoasapSource": "flagcore.sources.http",
    "Source": "flagcore.source",
    "Status": "flagcore.status",
    "get_flags": "flagcore.binding",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of names, not two


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
