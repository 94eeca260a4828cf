"""
Flags in environment variables: `FLAG_NEW_CHECKOUT=true` is the flag `new-checkout`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats.syntax import decode
from flagcore.rules.model import Ruleset
from flagcore.value import Json

__all__ = ["EnvSource"]


class EnvSource:
    """
    The environment variables that begin with `prefix`, read when a client is made and again when it starts.

    What follows the prefix is the key in lower case, with `_` for `-` and `__` for `_`. The value is JSON where it can
    be read so (`true`, `12`, `{"max": 5}`), else text.

    Args:
        prefix: what the variables begin with; not empty, since that would make flags of everything.

    Raises:
        ConfigError: the prefix is empty or no str.
    """

    format = "native"
    poll_seconds = 0.0

    def __init__(self, prefix: str = "FLAG_") -> None:
        if not isinstance(prefix, str) or not prefix:
            raise ConfigError(f"prefix: expected text such as 'FLAG_', got {prefix!r}")
        self.prefix = prefix
        self.name = f"env {prefix}*"

    def read(self) -> tuple[Ruleset, str]:
        """
        What the environment says now, and its version, which is empty.
        """
        start = len(self.prefix)
        names = [name for name in os.environ if name.startswith(self.prefix) and len(name) > start]
        return Ruleset({_key(name[start:]): _value(os.environ[name]) for name in names}), ""

    def subscribe(self, listener: Callable[[], None]) -> None:
        """
        The environment tells nobody of changes.
        """

    def __repr__(self) -> str:
        return f"EnvSource(prefix={self.prefix!r})"


def _key(name: str) -> str:
    return "_".join(part.replace("_", "-") for part in name.lower().split("__"))


def _value(text: str) -> Json:
    try:
        return decode(text.encode())
    except (MalformedDocument, UnicodeEncodeError):
        return text
