"""
A compiled, immutable state of the flags: where the two halves of flagcore meet.

The feed's side makes one for each change and publishes it by assigning one attribute; the reading side takes the
reference once and asks it. Nothing here waits, locks, or knows where bytes came from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flagcore.context import ANONYMOUS, EvaluationContext, kept
from flagcore.explanation import Explanation
from flagcore.resolution import NO_METADATA, ErrorCode, Resolution
from flagcore.thunk import NOBODY, Along, Asking, Decide, Thunk
from flagcore.value import Json

__all__ = ["EMPTY", "Answers", "Sleeping", "Snapshot", "Table", "failed"]

logger = logging.getLogger("flagcore")


class Answers(dict[str, Resolution[Any]]):
    """
    What a read looks its key up in: a dictionary whose `__missing__` finds the answer.
    """

    __slots__ = ()


class Table(Answers):
    """
    What a client reads from.

    Attributes:
        decide: {key: the question about that flag, for a context}; a look-up of any key gives one.
        resolve: as `Snapshot.resolve`.
        along: as `Snapshot.resolve_along`.
    """

    __slots__ = ("along", "decide", "resolve")

    decide: dict[str, Decide]
    resolve: Callable[[str, EvaluationContext], Resolution[Any]]
    along: Along


class _Known(Table):
    """
    A snapshot as a client reads it: the answers of its plain flags, kept when first asked for. For a key that is no
    plain flag, a look-up resolves for nobody in particular and keeps nothing.
    """

    __slots__ = ("_shared",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._shared = snapshot._known
        self.resolve = snapshot.resolve
        self.along = snapshot.resolve_along
        self.decide = _Deciding(snapshot)

    def __missing__(self, key: str) -> Resolution[Any]:
        answer = self.resolve(key, ANONYMOUS)
        return self.setdefault(key, answer) if key in self._shared else answer


class _Deciding(dict[str, Decide]):
    """
    The questions about a snapshot's flags, each compiled when it is first asked.
    """

    __slots__ = ("_snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __missing__(self, key: str) -> Decide:
        snapshot = self._snapshot
        if type(snapshot) is Snapshot:  # any other kind asks elsewhere, and anew each time
            thunk = snapshot._thunks.get(key)
            if thunk is not None:
                return self.setdefault(key, thunk.decider())
            if key in snapshot._plain:
                answer = snapshot.resolve(key, ANONYMOUS)
                return self.setdefault(key, lambda _context: answer)
        return lambda context: snapshot.resolve(key, kept(context))


class _Waking(dict[str, Decide]):
    """
    The questions about the flags of a client that is asleep: always empty, so that every look-up wakes the client.
    """

    __slots__ = ("_wake",)

    def __init__(self, wake: Callable[[], Snapshot]) -> None:
        self._wake = wake

    def __missing__(self, key: str) -> Decide:
        return self._wake().answers.decide[key]


class Sleeping(Table):
    """
    The read table of a client that is asleep: always empty, so that every look-up wakes the client.

    Args:
        wake: wakes it, and gives the state to answer from.
    """

    __slots__ = ("_wake",)

    def __init__(self, wake: Callable[[], Snapshot]) -> None:
        self._wake = wake
        self.decide = _Waking(wake)
        self.resolve = lambda key, context: wake().resolve(key, context)
        self.along = lambda key, path, asking: wake().resolve_along(key, path, asking)

    def __missing__(self, key: str) -> Resolution[Any]:
        return self._wake().answers[key]


class Snapshot:
    """
    One state of the flags.

    Attributes:
        version: what names this state: the source's own etag, else a digest of the document. Layers are joined by `+`.
        origin: where it came from: the source's name, with `(disk)` where the disk cache answered for it.
        fetched_at: when it came, in seconds since the epoch; None when nothing has.
        hierarchy: the attribute names that override paths go along.
        missing: the code for a key that is not here: `FLAG_NOT_FOUND`; where a source that may define it has brought
            nothing yet, or what is too old, `PROVIDER_NOT_READY` or `PROVIDER_FATAL`; `GENERAL` where the latter is a
            failure of the whole (`on_stale="fail"`), so that gates answer 503.
        metadata: the document's own, which goes with the answers for keys that are not here; of layers, the first that
            any has.
    """

    __slots__ = (
        *("_known", "_layers", "_plain", "_thunks"),
        *("fetched_at", "hierarchy", "metadata", "missing", "origin", "version"),
    )

    def __init__(
        self,
        plain: Mapping[str, Json] | None = None,
        thunks: Mapping[str, Thunk] | None = None,
        *,
        hierarchy: tuple[str, ...] = (),
        version: str = "",
        origin: str = "",
        fetched_at: float | None = None,
        missing: ErrorCode = ErrorCode.FLAG_NOT_FOUND,
        metadata: Mapping[str, Any] = NO_METADATA,
    ) -> None:
        self._plain = plain if plain is not None else {}
        self._thunks = thunks if thunks is not None else {}
        # Nothing here leads back to the snapshot: in a circle, a replaced document of 4 MB would stay in memory until
        # the collector comes by, and readers stand still for up to 90 ms while that takes some of them apart.
        self._layers: tuple[Snapshot, ...] = ()
        #: The answers that every view shares: those of plain flags, made when first asked for.
        self._known: dict[str, Resolution[Any]] = {}
        self.hierarchy = hierarchy
        self.version = version
        self.origin = origin
        self.fetched_at = fetched_at
        self.missing = missing
        self.metadata = metadata

    @classmethod
    def layered(cls, layers: Sequence[Snapshot], missing: ErrorCode = ErrorCode.FLAG_NOT_FOUND) -> Snapshot:
        """
        Several states as one: for each key the first that defines it answers, whole.
        """
        if len(layers) == 1 and layers[0].missing is missing:
            return layers[0]
        plain: dict[str, Json] = {}
        thunks: dict[str, Thunk] = {}
        for layer in reversed(layers):
            for key in layer:
                plain.pop(key, None)
                thunks.pop(key, None)
            plain.update(layer._plain)
            thunks.update(layer._thunks)
        times = [layer.fetched_at for layer in layers if layer.fetched_at is not None]
        merged = cls(
            plain,
            thunks,
            hierarchy=next((layer.hierarchy for layer in layers if layer.hierarchy), ()),
            version="+".join(layer.version for layer in layers if layer.version),
            origin=", ".join(layer.origin for layer in layers),
            fetched_at=min(times, default=None),
            missing=missing,
            metadata=next((layer.metadata for layer in layers if layer.metadata), NO_METADATA),
        )
        merged._layers = tuple(layers)
        return merged

    @property
    def layers(self) -> tuple[Snapshot, ...]:
        """
        The states this one is made of, the first that defines a key answering for it; itself alone if it has none.
        """
        return self._layers or (self,)

    @property
    def answers(self) -> Table:
        """
        {key: resolution} for nobody in particular; a look-up of any key gives one. Another each time.
        """
        return _Known(self)

    def resolve(self, key: str, context: EvaluationContext) -> Resolution[Any]:
        """
        The answer for `key`; its value is `ABSENT` where the caller's default stands. I/O: none. Locks: none. Safe
        from any thread or task. Never raises: a flag that fails answers with `GENERAL`.
        """
        thunk = self._thunks.get(key)
        if thunk is not None:
            try:
                return thunk(context)
            except Exception as error:  # noqa: BLE001 - logged in failed; one flag spoils only itself
                return failed(key, error)
        known = self._known.get(key)
        if known is not None:
            return known
        if key in self._plain:
            # Every view shares this answer. Two threads may both make it: equal, and either may stay.
            return self._known.setdefault(key, Resolution(self._plain[key], key))
        return self._not_found(key)

    def resolve_along(self, key: str, path: Sequence[object], asking: Asking = NOBODY) -> Resolution[Any]:
        """
        The answer for a feature at a path of ids, most general first: for who is asking, with the ids as the attributes
        that the hierarchy names; otherwise as `resolve`. A path of another length than the hierarchy of the feature's
        document gives the feature's default with `INVALID_CONTEXT`.
        """
        owner = self._owner(key)
        if owner is None:
            return self._not_found(key)
        names = owner.hierarchy
        thunk = owner._thunks.get(key)
        fits = not names or len(path) == len(names)
        if thunk is None:
            answer = owner.resolve(key, ANONYMOUS)
        else:
            try:
                answer = thunk.along(path, asking) if fits else thunk.along((), None)
            except Exception as error:  # noqa: BLE001 - logged in failed; one flag spoils only itself
                return failed(key, error)
        if fits:
            return answer
        message = f"expected {len(names)} ids, one for each of {', '.join(names)}; got {len(path)}"
        return Resolution.error(key, ErrorCode.INVALID_CONTEXT, message, answer.value, answer.metadata)

    def explain(self, key: str, context: EvaluationContext) -> Explanation:
        """
        How `key` comes to its answer for `context`. I/O: none. Locks: none. Never raises. Slower than an answer by far.
        """
        owner = self._owner(key)
        origin, version = (owner.origin, owner.version) if owner is not None else ("", self.version)
        thunk = owner._thunks.get(key) if owner is not None else None
        if thunk is None:
            return Explanation.of(key, self.resolve(key, context), origin, version)
        try:
            answer, steps = thunk.explain(context)
            return Explanation.of(key, answer, origin, version, steps)
        except Exception as error:  # noqa: BLE001 - logged in failed; one flag spoils only itself
            return Explanation.of(key, failed(key, error), origin, version)

    def origin_of(self, key: str) -> str:
        """
        The origin of the layer that answers for `key`; empty when none does.
        """
        owner = self._owner(key)
        return owner.origin if owner is not None else ""

    def changed_from(self, other: Snapshot) -> frozenset[str]:
        """
        The keys that this state and `other` do not say the same of: added, removed, or defined otherwise.
        """
        if other is self:
            return frozenset()
        keys = {*self, *other}
        return frozenset(key for key in keys if not _same(self._definition(key), other._definition(key)))

    def _definition(self, key: str) -> object:
        thunk = self._thunks.get(key)
        return thunk if thunk is not None else self._plain.get(key, _NOTHING)

    def _owner(self, key: str) -> Snapshot | None:
        for layer in self._layers or (self,):
            if key in layer._plain or key in layer._thunks:
                return layer
        return None

    def _not_found(self, key: object) -> Resolution[Any]:
        return Resolution.error(str(key), self.missing, _MISSING[self.missing].format(key=key), metadata=self.metadata)

    def __contains__(self, key: object) -> bool:
        return key in self._plain or key in self._thunks

    def __iter__(self) -> Iterator[str]:
        yield from self._plain
        yield from self._thunks

    def __len__(self) -> int:
        return len(self._plain) + len(self._thunks)

    def __repr__(self) -> str:
        return f"Snapshot({len(self)} flags, version={self.version!r}, origin={self.origin!r})"


_NOTHING = object()

_MISSING = {
    ErrorCode.FLAG_NOT_FOUND: "no source defines the flag {key!r}; look for a slip in the key",
    ErrorCode.PROVIDER_NOT_READY: (
        "no document has come yet that could define {key!r}, or it is older than max_stale_seconds; "
        "see FlagClient.health()"
    ),
    ErrorCode.GENERAL: (
        "the document that could define {key!r} is older than max_stale_seconds, and on_stale is 'fail'; "
        "see FlagClient.health()"
    ),
    ErrorCode.PROVIDER_FATAL: "the service denies this client, so nothing defines {key!r}; check its key and scope",
}


def failed(key: str, error: Exception) -> Resolution[Any]:
    """
    The answer for a flag whose resolving raised `error`, which is logged.
    """
    logger.error("flag %r could not be resolved; its callers get their defaults", key, exc_info=error)
    return Resolution.error(key, ErrorCode.GENERAL, f"{type(error).__name__}: {error}")


def _same(one: object, other: object) -> bool:
    # True == 1 and 1 == 1.0 in Python, and to a typed read they are not the same.
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


#: The state before anything has come.
EMPTY = Snapshot(missing=ErrorCode.PROVIDER_NOT_READY)
