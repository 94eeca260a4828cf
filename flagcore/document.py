"""
From a document's bytes to the state that answers: parsed, its faults logged, compiled.
"""

from __future__ import annotations

import hashlib
import logging

from flagcore.formats import faults, parse
from flagcore.rules.compiler import compile_ruleset
from flagcore.rules.model import Fault, Ruleset
from flagcore.snapshot import Snapshot
from flagcore.source import Body

__all__ = ["compiled", "fingerprint", "read"]

logger = logging.getLogger("flagcore")

#: Faults of one document that are logged one by one: enough to see what kind they are, too few to drown a log.
_LOGGED_FAULTS = 5


def read(dialect: str, body: Body, digest: bytes, origin: str, fetched_at: float) -> Snapshot:
    """
    The state that `body` says. Logs the faults of single flags: call it once for each document.

    Args:
        dialect: the name of the document's format.
        body: the document.
        digest: its fingerprint, which names the state where the source gave no etag.
        origin: what the log and the state call its source.
        fetched_at: when it came, in seconds since the epoch.

    Raises:
        MalformedDocument: it is no document of that format.
    """
    ruleset = parse(dialect, body)
    _log_faults(origin, faults(ruleset))
    return compiled(ruleset, body.etag or digest.hex()[:12], origin, fetched_at)


def compiled(ruleset: Ruleset, version: str, origin: str, fetched_at: float) -> Snapshot:
    """
    The state that a ruleset says.
    """
    return Snapshot(
        ruleset.plain,
        compile_ruleset(ruleset),
        hierarchy=ruleset.hierarchy,
        version=version,
        origin=origin,
        fetched_at=fetched_at,
        metadata=ruleset.metadata,
    )


def fingerprint(content: bytes) -> bytes:
    """
    What tells a document from any other, by its bytes.
    """
    return hashlib.blake2b(content, digest_size=16).digest()


def _log_faults(origin: str, found: list[Fault]) -> None:
    for fault in found[:_LOGGED_FAULTS]:
        place = f" ({fault.place})" if fault.place else ""
        logger.warning("%s: %s%s: %s; its callers get their defaults", origin, fault.where, place, fault.message)
    if len(found) > _LOGGED_FAULTS:
        logger.warning("%s: %d more like these; `flagcore check` lists all", origin, len(found) - _LOGGED_FAULTS)
