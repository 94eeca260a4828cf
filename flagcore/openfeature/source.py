"""
Any vendor's OpenFeature provider behind flagcore's views, adapters and template tags.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from weakref import WeakMethod

from openfeature import api
from openfeature.event import EventDetails, ProviderEvent
from openfeature.provider import FeatureProvider, ProviderStatus
from openfeature.provider.no_op_provider import NoOpProvider

from flagcore.errors import ConfigError, SourceDenied, SourceError, SourceUnavailable
from flagcore.openfeature.question import Questions
from flagcore.provided import Provided
from flagcore.status import Status

__all__ = ["OpenFeatureSource"]

_numbers = count(1)

_STATUSES = {
    ProviderStatus.NOT_READY: Status.NOT_READY,
    ProviderStatus.READY: Status.READY,
    ProviderStatus.STALE: Status.STALE,
    ProviderStatus.ERROR: Status.ERROR,
    ProviderStatus.FATAL: Status.FATAL,
}


class OpenFeatureSource:
    """
    The flags of an OpenFeature provider.

        client = FlagClient(OpenFeatureSource(LaunchDarklyProvider(config)))

    Each flag's first read in a view asks the provider, within the read and for as long as the provider takes; providers
    that evaluate in memory are meant. The view remembers the answer. Nothing the provider does makes a read raise: what
    goes wrong is in `details`. `all()` leaves these flags out, since a provider can't be asked for its keys.

    OpenFeature asks for a flag by type, flagcore by key alone. So a key's type is found by asking for one type after
    the other, once, and remembered; a provider that counts evaluations counts those too. Say `types` for flags of a
    provider that converts values to whatever is asked for.

    The provider is registered with the SDK under a domain of its own, which initializes it in a thread of the SDK's,
    unless it was registered before. The SDK's global context and hooks apply.

    Args:
        provider: any provider for the OpenFeature Python SDK.
        types: {key: `boolean`, `string`, `number` or `object`} of flags whose type is known.

    Raises:
        ConfigError: `provider` is none, or a type is none of these.

    Attributes:
        client: the SDK's client by which the provider is asked; to add hooks to, or to track by.
    """

    format = "openfeature"
    poll_seconds = 0.0

    def __init__(self, provider: FeatureProvider, types: dict[str, str] | None = None) -> None:
        if not callable(getattr(provider, "resolve_boolean_details", None)):
            raise ConfigError(f"provider: expected an OpenFeature provider, got {type(provider).__name__}")
        self.name = provider.get_metadata().name
        self._provider = provider
        self._domain = f"flagcore-{next(_numbers)}"
        self.client = api.get_client(self._domain)
        self._questions = Questions(self.client, provider, types or {})
        self._lock = threading.Lock()
        self._listeners: list[WeakMethod[Callable[[], None]]] = []
        self._revision = 0
        #: What the provider's last event said, until it is READY again; None before it has said anything.
        self._fault_message: str | None = None
        self._snapshot = self._made(frozenset(), None)
        self._handlers: dict[ProviderEvent, Callable[[EventDetails], None]] = {
            ProviderEvent.PROVIDER_READY: self._got_well,
            ProviderEvent.PROVIDER_STALE: self._got_worse,
            ProviderEvent.PROVIDER_ERROR: self._got_worse,
            ProviderEvent.PROVIDER_CONFIGURATION_CHANGED: self._changed,
        }
        # Before, so that no event goes unheard; and anew afterwards, since the SDK then runs the handlers of a state
        # that a provider registered earlier is in already.
        self._listen()
        api.set_provider(provider, self._domain)
        self._unlisten()
        self._listen()

    def read(self) -> tuple[Provided, str]:
        """
        The state that asks the provider, and its version: how many changes it has told of.
        """
        with self._lock:
            if self._snapshot.fetched_at is None and self._status() is Status.READY:
                self._snapshot = self._made(frozenset(), time.time())
            return self._snapshot, self._snapshot.version

    def health(self) -> tuple[Status, SourceError | None]:
        """
        The provider's status, and what is wrong while something is.
        """
        status, said = self._status(), self._fault_message
        if status in (Status.READY, Status.NOT_READY):
            return status, None
        if said is None:
            return Status.NOT_READY, None  # the event that says why is on its way
        if status is Status.FATAL:
            return status, SourceDenied(f"the provider has failed for good: {said or 'it says no more'}")
        return status, SourceUnavailable(f"the provider says {status}: {said or 'and no more'}")

    def subscribe(self, listener: Callable[[], None]) -> None:
        """
        Call `listener`, a bound method, after each event for as long as its object lives.
        """
        with self._lock:
            self._listeners = [each for each in self._listeners if each() is not None]
            self._listeners.append(WeakMethod(listener))

    def close(self) -> None:
        """
        Let the provider go; the SDK shuts it down unless it is registered elsewhere too. Reads then give the default
        with PROVIDER_NOT_READY. Idempotent.
        """
        if self.client.provider is not self._provider:
            return
        self._unlisten()
        api.set_provider(NoOpProvider(), self._domain)
        self._tell()

    def _status(self) -> Status:
        if self.client.provider is not self._provider:
            return Status.NOT_READY
        return _STATUSES.get(self.client.get_provider_status(), Status.NOT_READY)

    def _made(self, changed: frozenset[str], fetched_at: float | None) -> Provided:
        version = f"r{self._revision}"
        return Provided(self._questions.ask, changed=changed, version=version, origin=self.name, fetched_at=fetched_at)

    def _changed(self, details: EventDetails) -> None:
        keys = details.flags_changed
        with self._lock:
            self._revision += 1
            # A provider that does not say which may mean any that it was ever asked for.
            changed = frozenset(self._questions.keys() if keys is None else keys)
            self._snapshot = self._made(changed, time.time())
        self._tell()

    def _got_well(self, _: EventDetails) -> None:
        # Handlers run in threads of the SDK's, in any order: an earlier event may be told of after a later one.
        if self._status() is Status.READY:
            self._fault_message = None
        self._tell()

    def _got_worse(self, details: EventDetails) -> None:
        if self._status() not in (Status.READY, Status.NOT_READY):
            self._fault_message = details.message or self._fault_message or ""
        self._tell()

    def _listen(self) -> None:
        for event, handler in self._handlers.items():
            self.client.add_handler(event, handler)

    def _unlisten(self) -> None:
        for event, handler in self._handlers.items():
            self.client.remove_handler(event, handler)

    def _tell(self) -> None:
        with self._lock:
            listeners = [listener() for listener in self._listeners]
        for listener in listeners:
            if listener is not None:
                listener()

    def __repr__(self) -> str:
        return f"OpenFeatureSource({self.name!r})"
