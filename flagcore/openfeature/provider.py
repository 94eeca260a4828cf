"""
flagcore behind OpenFeature's API: a provider for the Python SDK.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from openfeature.evaluation_context import EvaluationContext as TheirContext
from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode as TheirCode
from openfeature.exception import ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.hook import Hook
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from flagcore.client import FlagClient
from flagcore.context import ANONYMOUS, EvaluationContext
from flagcore.errors import ConfigError
from flagcore.flags import detailed
from flagcore.openfeature.translation import context_from, error_from
from flagcore.resolution import ABSENT
from flagcore.status import Status
from flagcore.value import typed

__all__ = ["FlagcoreProvider", "OnTrack"]

logger = logging.getLogger("flagcore")

#: What `on_track` may be: told of the event's name, the context, and its details.
OnTrack = Callable[[str, EvaluationContext, TrackingEventDetails | None], object]

_Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class FlagcoreProvider(AbstractProvider):
    """
    Answers OpenFeature's clients from a `FlagClient`. One provider may serve several domains.

        api.set_provider(FlagcoreProvider(FlagClient(FileSource("flags.yaml"))))
        api.get_client().get_boolean_value("new-checkout", False)

    An integer takes whole floats, a float takes ints; an object is an object or an array.

    The SDK starts the client when it takes the provider, and closes it when it lets the provider go; a client that was
    already started is left running. Events: READY, STALE and ERROR follow the client's status, and
    CONFIGURATION_CHANGED carries the changed keys. While the service denies the client but an earlier document answers,
    the error is GENERAL, since with PROVIDER_FATAL the SDK would give defaults instead. An answer from disk makes the
    SDK say READY first.

    Args:
        client: where the flags come from.
        wait_seconds: how long `initialize` waits for the sources; 0 or more. The SDK does that in a thread of its own,
            except in `set_provider_and_wait`.
        hooks: run by the SDK around each evaluation by this provider.
        on_track: told of each tracking event. What it raises is logged and harms nothing.

    Raises:
        ConfigError: `client` is no FlagClient.

    Source: OpenFeature specification, "Providers".
    """

    def __init__(
        self,
        client: FlagClient,
        *,
        wait_seconds: float = 5.0,
        hooks: Sequence[Hook] = (),
        on_track: OnTrack | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(client, FlagClient):
            raise ConfigError(f"client: expected a FlagClient, got {type(client).__name__}")
        self.client = client
        self._wait_seconds = wait_seconds
        self._hooks = list(hooks)
        self._on_track = on_track
        self._following = ExitStack()
        self._tells = False

    # --- its life -------------------------------------------------------------------------------------------------

    def initialize(self, evaluation_context: TheirContext) -> None:  # noqa: ARG002 - no source asks who is there
        """
        Start the client, if it is not started, and wait up to `wait_seconds`. I/O: as `FlagClient.start`.

        Raises:
            ProviderNotReadyError: no document has come; the client goes on trying, and READY is said when one has.
            ProviderFatalError: none will: the service denies this client.
        """
        self._following.callback(self.client.on_status(self._status_changed))
        self._following.callback(self.client.on_change(self._flags_changed))
        self._following.enter_context(self.client)
        self.client.wait_ready(self._wait_seconds)
        self._tells = True
        status = self.client.status
        if status is Status.READY or self._has_document():
            return
        if status is Status.FATAL:
            raise ProviderFatalError("the service denies this client: check its key")
        raise ProviderNotReadyError(f"no document within {self._wait_seconds:g} s: it is tried on, see FlagClient")

    def shutdown(self) -> None:
        """
        Stop following the client, and close it if this provider started it. Idempotent.
        """
        self._tells = False
        self._following.close()

    def get_metadata(self) -> Metadata:
        """
        The provider's name.
        """
        return Metadata(name="flagcore")

    def get_provider_hooks(self) -> list[Hook]:
        """
        The hooks given at construction.
        """
        return self._hooks

    def _has_document(self) -> bool:
        return self.client.snapshot.fetched_at is not None

    def _status_changed(self, status: Status) -> None:
        if not self._tells or status is Status.NOT_READY:
            return
        if status is Status.READY:
            self.emit_provider_ready(ProviderEventDetails())
        elif status is Status.STALE:
            self.emit_provider_stale(ProviderEventDetails(message="an earlier document answers"))
        else:
            is_hopeless = status is Status.FATAL and not self._has_document()
            code = TheirCode.PROVIDER_FATAL if is_hopeless else TheirCode.GENERAL
            message = "the service denies this client" if status is Status.FATAL else "no document can be had"
            self.emit_provider_error(ProviderEventDetails(message=message, error_code=code))

    def _flags_changed(self, keys: frozenset[str]) -> None:
        if self._tells:
            self.emit(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, ProviderEventDetails(flags_changed=sorted(keys)))

    # --- its answers ----------------------------------------------------------------------------------------------
    # The SDK's own `…_async` methods call these: they wait for nothing.

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: TheirContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """
        The flag's boolean. I/O: none. Locks: none.

        Raises:
            OpenFeatureError: there is none; of the class that its error code has.
        """
        return self._resolved(flag_key, default_value, False, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: TheirContext | None = None
    ) -> FlagResolutionDetails[str]:
        """
        The flag's string; as `resolve_boolean_details`.
        """
        return self._resolved(flag_key, default_value, "", evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: TheirContext | None = None
    ) -> FlagResolutionDetails[int]:
        """
        The flag's integer; a float that is whole is one; as `resolve_boolean_details`.
        """
        return self._resolved(flag_key, default_value, 0, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: TheirContext | None = None
    ) -> FlagResolutionDetails[float]:
        """
        The flag's number as a float; as `resolve_boolean_details`.
        """
        return self._resolved(flag_key, default_value, 0.0, evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: _Structure, evaluation_context: TheirContext | None = None
    ) -> FlagResolutionDetails[_Structure]:
        """
        The flag's object or array, a copy; as `resolve_boolean_details`.
        """
        return self._resolved(flag_key, default_value, {}, evaluation_context)

    def _resolved(self, key: str, default: Any, blank: Any, context: TheirContext | None) -> FlagResolutionDetails[Any]:
        answer = self.client._resolution(key, context_from(context) or ANONYMOUS)
        if answer.error_code is not None:
            raise error_from(answer)
        value = default
        if answer.value is not ABSENT:
            asked = [] if type(blank) is dict and type(answer.value) is list else blank
            value = typed(answer.value, asked)
            if value is ABSENT:
                raise error_from(detailed(answer, asked))
        return FlagResolutionDetails(value, None, None, answer.reason.value, answer.variant, dict(answer.metadata))

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: TheirContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """
        Hand a tracking event on to `on_track`; without one, nothing happens. Never raises.
        """
        if self._on_track is None:
            return
        try:
            self._on_track(tracking_event_name, context_from(evaluation_context) or ANONYMOUS, tracking_event_details)
        except Exception:
            logger.exception("%r raised; flagcore goes on", self._on_track)

    def __repr__(self) -> str:
        return f"FlagcoreProvider({self.client!r})"
