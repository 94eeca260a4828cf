"""
Other values on top of a client's sources, for the length of a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flagcore.client import FlagClient
from flagcore.snapshot import Snapshot
from flagcore.value import checked

__all__ = ["override"]


@contextmanager
def override(client: FlagClient, values: Mapping[str, Any]) -> Iterator[None]:
    """
    Serve `values` above all sources of `client` for as long as the block, or the decorated function, runs: in every
    thread, in views made from here on. Views made before keep what they saw. Overrides may be nested, and end in any
    order. Sources, files and caches are not touched.

    Args:
        client: the client whose views are concerned.
        values: {key: JSON value}; copied.

    Raises:
        MalformedDocument: a value is no JSON.
    """
    plain: Any = checked(values)
    take_off = client.lay(Snapshot(plain, version="override", origin="override"))
    try:
        yield
    finally:
        take_off()
