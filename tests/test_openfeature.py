"""
flagcore behind OpenFeature's API, driven by the SDK's own client.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any

import pytest

pytest.importorskip("openfeature", reason="the OpenFeature SDK is not installed")

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode as TheirCode
from openfeature.exception import ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.hook import Hook
from openfeature.provider import ProviderStatus
from openfeature.track import TrackingEventDetails

import flagcore
from flagcore import ErrorCode, FlagClient, HTTPSource, MemorySource, Reason, Resolution
from flagcore.errors import ConfigError
from flagcore.openfeature import FlagcoreProvider
from flagcore.provided import Provided
from tests.loopback import Server, until

DOCUMENT: dict[str, Any] = {
    "hierarchy": ["org"],
    "flags": {
        "boolean": {"value": True},
        "string": {"value": "blue"},
        "integer": {"value": 24},
        "whole": {"value": 3.0},
        "float": {"value": 0.25},
        "object": {"value": {"max": 5, "tags": ["a"]}},
        "array": {"value": ["NL", "BE"]},
        "theme": {"value": "light", "overrides": [{"org": "acme", "value": "dark"}]},
        "sized": {"variants": {"small": {"max": 5}, "large": {"max": 50}}, "value": "small"},
    },
}

#: {type: (a flag of it, what it serves, a default)}.
TYPES: dict[str, tuple[str, Any, Any]] = {
    "boolean": ("boolean", True, False),
    "string": ("string", "blue", "red"),
    "integer": ("integer", 24, 1),
    "float": ("float", 0.25, 1.5),
    "object": ("object", {"max": 5, "tags": ["a"]}, {"max": 0}),
}


@pytest.fixture(autouse=True)
def _own_api() -> Iterator[None]:
    """
    Each test has OpenFeature's API to itself.
    """
    yield
    api.shutdown()


@pytest.fixture
def source() -> MemorySource:
    return MemorySource(DOCUMENT)


@pytest.fixture
def flags(source: MemorySource) -> FlagClient:
    return FlagClient(source, cache_dir=None)


@pytest.fixture
def theirs(flags: FlagClient) -> OpenFeatureClient:
    """
    The SDK's client, with our provider behind it.
    """
    api.set_provider_and_wait(FlagcoreProvider(flags))
    return api.get_client()


def ask(client: OpenFeatureClient, kind: str, way: str, *arguments: Any) -> FlagEvaluationDetails[Any]:
    """
    The details the SDK gives, by its plain or its awaitable method.
    """
    if way == "sync":
        return getattr(client, f"get_{kind}_details")(*arguments)
    return asyncio.run(getattr(client, f"get_{kind}_details_async")(*arguments))


def answering(flags: FlagClient, answer: Any) -> None:
    """
    Let `answer(key, context)` answer above all other layers.
    """
    flags.lay(Provided(answer, changed=frozenset(), version="", origin="test", fetched_at=1.0))


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_answered(theirs: OpenFeatureClient, kind: str, way: str) -> None:
    """Each of OpenFeature's types comes as itself, by plain and awaitable calls alike."""
    key, value, default = TYPES[kind]
    details = ask(theirs, kind, way, key, default)
    assert (details.value, type(details.value)) == (value, type(value))
    assert (details.flag_key, details.reason, details.error_code) == (key, "STATIC", None)
    assert details.flag_metadata == {}


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("kind", TYPES)
def test_another_type_is_a_mismatch(theirs: OpenFeatureClient, kind: str, way: str) -> None:
    """Asked for a type that the flag has not, the default comes with TYPE_MISMATCH and what to do."""
    wrong = "string" if kind != "string" else "boolean"
    details = ask(theirs, kind, way, wrong, TYPES[kind][2])
    assert details.value == TYPES[kind][2]
    assert (details.error_code, details.reason) == (TheirCode.TYPE_MISMATCH, "ERROR")
    assert "ask for its own type" in (details.error_message or "")


def test_numbers_meet_as_everywhere_in_flagcore(theirs: OpenFeatureClient) -> None:
    """An integer takes whole floats, a float takes integers, and neither takes a boolean."""
    assert theirs.get_integer_value("whole", 0) == 3
    assert type(theirs.get_float_value("integer", 0.0)) is float
    assert theirs.get_integer_details("float", 7).error_code is TheirCode.TYPE_MISMATCH
    assert theirs.get_integer_details("boolean", 7).value == 7


def test_an_array_is_an_object_of_openfeature(theirs: OpenFeatureClient) -> None:
    """What OpenFeature calls an object is an object or an array; each call gets a copy of its own."""
    assert theirs.get_object_value("array", {}) == ["NL", "BE"]
    assert theirs.get_object_value("object", []) == {"max": 5, "tags": ["a"]}
    theirs.get_object_value("object", {})["tags"].append("b")  # type: ignore[index, union-attr]
    assert theirs.get_object_value("object", {}) == {"max": 5, "tags": ["a"]}


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_passes(flags: FlagClient, theirs: OpenFeatureClient, code: ErrorCode, way: str) -> None:
    """Each of our error codes is OpenFeature's of that name, with its message and the caller's default."""
    answering(flags, lambda key, context: Resolution.error(key, code, "what to do"))
    details = ask(theirs, "string", way, "any", "mine")
    assert (details.value, details.reason) == ("mine", "ERROR")
    said = "what to do" if code is not ErrorCode.FLAG_NOT_FOUND else "no source defines the flag"
    assert details.error_code is TheirCode(code.value)
    assert (details.error_message or "").startswith(said)


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.ERROR])
def test_every_reason_passes(flags: FlagClient, theirs: OpenFeatureClient, reason: Reason, way: str) -> None:
    """Each reason comes through as it is, with the variant and the metadata."""
    answering(flags, lambda key, context: Resolution("v", key, "blue", reason, metadata={"owner": "ui"}))
    details = ask(theirs, "string", way, "any", "mine")
    assert (details.value, details.variant, details.reason) == ("v", "blue", reason.value)
    assert details.flag_metadata == {"owner": "ui"}


def test_what_is_left_to_the_caller_is_the_default(flags: FlagClient, theirs: OpenFeatureClient) -> None:
    """A flag that is switched off gives the default, without an error."""
    from flagcore.resolution import ABSENT

    answering(flags, lambda key, context: Resolution(ABSENT, key, None, Reason.DISABLED))
    details = theirs.get_object_details("any", {"mine": 1})
    assert (details.value, details.reason, details.error_code) == ({"mine": 1}, "DISABLED", None)


def test_variants_and_targeting_come_from_the_document(theirs: OpenFeatureClient) -> None:
    """A named variant, and an override that the context's attributes reach."""
    sized = theirs.get_object_details("sized", {})
    assert (sized.value, sized.variant) == ({"max": 5}, "small")
    acme = theirs.get_string_details("theme", "", EvaluationContext("u1", {"org": "acme"}))
    assert (acme.value, acme.reason) == ("dark", "TARGETING_MATCH")
    assert theirs.get_string_details("theme", "").reason == "DEFAULT"


def test_an_unknown_key_is_not_found(theirs: OpenFeatureClient) -> None:
    """A slip in the key gives the default with FLAG_NOT_FOUND."""
    details = theirs.get_boolean_details("bolean", True)
    assert (details.value, details.error_code) == (True, TheirCode.FLAG_NOT_FOUND)


def test_the_context_arrives_as_json(flags: FlagClient, theirs: OpenFeatureClient) -> None:
    """Dates become ISO 8601 text and sequences arrays, at any depth; the merged context is one."""
    seen: list[flagcore.EvaluationContext] = []

    def look(key: str, context: flagcore.EvaluationContext) -> Resolution[Any]:
        seen.append(context)
        return Resolution(True, key)

    answering(flags, look)
    api.set_evaluation_context(EvaluationContext(attributes={"region": "eu"}))
    since = datetime(2026, 3, 1, tzinfo=timezone.utc)
    theirs.get_boolean_value(
        "any", False, EvaluationContext("u1", {"user": {"since": since, "roles": ("a", "b"), "day": date(2026, 3, 1)}})
    )
    assert seen[0].targeting_key == "u1"
    user = {"since": "2026-03-01T00:00:00+00:00", "roles": ["a", "b"], "day": "2026-03-01"}
    assert dict(seen[0].attributes) == {"region": "eu", "user": user}


def test_a_targeting_key_that_is_no_text_is_an_invalid_context(theirs: OpenFeatureClient) -> None:
    """An id must be made text first; until then the default comes with INVALID_CONTEXT."""
    details = theirs.get_boolean_details("boolean", False, EvaluationContext(7))  # type: ignore[arg-type]
    assert (details.value, details.error_code) == (False, TheirCode.INVALID_CONTEXT)
    assert "str(user.id)" in (details.error_message or "")


class Heard:
    """
    The events that a client hears.
    """

    def __init__(self, client: OpenFeatureClient) -> None:
        self.events: list[tuple[str, EventDetails]] = []
        for event in ProviderEvent:
            client.add_handler(event, lambda details, event=event: self.events.append((event.value, details)))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def details(self, name: str) -> EventDetails:
        """The first of that name, once there is one."""
        until(lambda: name in self.names(), what=lambda: f"{name} among {self.names()}")
        return next(details for each, details in self.events if each == name)


def test_a_change_is_told_with_its_keys(source: MemorySource, theirs: OpenFeatureClient) -> None:
    """CONFIGURATION_CHANGED names the flags that are another now."""
    heard = Heard(theirs)
    changed = {**DOCUMENT, "flags": {**DOCUMENT["flags"], "string": {"value": "red"}, "new": {"value": 1}}}
    source.update(changed)
    details = heard.details("PROVIDER_CONFIGURATION_CHANGED")
    assert (details.flags_changed, details.provider_name) == (["new", "string"], "flagcore")
    assert theirs.get_string_value("string", "") == "red"


def test_events_follow_the_status() -> None:
    """STALE when the service fails, READY when it answers again."""
    with Server() as server:
        server.script["/"] = lambda call: call.answer(200, b'{"flags": {"on": {"value": true}}}')
        flags = FlagClient(HTTPSource(server.url, "native", poll_seconds=0.05), cache_dir=None)
        api.set_provider_and_wait(FlagcoreProvider(flags))
        heard = Heard(api.get_client())
        assert heard.details("PROVIDER_READY").provider_name == "flagcore"
        server.script["/"] = lambda call: call.answer(503)
        heard.details("PROVIDER_STALE")
        assert api.get_client().get_provider_status() is ProviderStatus.STALE
        assert api.get_client().get_boolean_value("on", False) is True
        heard.events.clear()
        server.script["/"] = lambda call: call.answer(200, b'{"flags": {"on": {"value": true}}}')
        flags.refresh()
        heard.details("PROVIDER_READY")
        api.shutdown()


def test_a_provider_without_a_document_is_not_ready_and_goes_on_trying() -> None:
    """Within `wait_seconds` nothing came: initialization fails, and READY is told when something has."""
    answer = threading.Event()
    with Server() as server:
        server.script["/"] = lambda call: call.answer(200, b'{"flags": {}}') if answer.wait(5) else call.answer(503)
        flags = FlagClient(HTTPSource(server.url, "native"), cache_dir=None)
        with pytest.raises(ProviderNotReadyError, match=r"no document within 0\.05 s"):
            api.set_provider_and_wait(FlagcoreProvider(flags, wait_seconds=0.05))
        heard = Heard(api.get_client())
        assert api.get_client().get_provider_status() is ProviderStatus.ERROR
        answer.set()
        heard.details("PROVIDER_READY")
        api.shutdown()


def test_a_denied_client_is_fatal() -> None:
    """A service that refuses the key for good makes the provider FATAL, and the default comes with PROVIDER_FATAL."""
    with Server() as server:
        server.script["/"] = lambda call: call.answer(401)
        flags = FlagClient(HTTPSource(server.url, "native"), cache_dir=None)
        with pytest.raises(ProviderFatalError):
            api.set_provider_and_wait(FlagcoreProvider(flags))
        client = api.get_client()
        assert client.get_provider_status() is ProviderStatus.FATAL
        assert client.get_boolean_details("on", True).error_code is TheirCode.PROVIDER_FATAL
        api.shutdown()


def test_a_denial_after_a_document_leaves_the_document_answering() -> None:
    """Last known good beats defaults: the provider is in ERROR, not FATAL, and answers on."""
    with Server() as server:
        server.script["/"] = lambda call: call.answer(200, b'{"flags": {"on": {"value": true}}}')
        flags = FlagClient(HTTPSource(server.url, "native", poll_seconds=0.05), cache_dir=None)
        api.set_provider_and_wait(FlagcoreProvider(flags))
        heard = Heard(api.get_client())
        server.script["/"] = lambda call: call.answer(403)
        assert heard.details("PROVIDER_ERROR").error_code is TheirCode.GENERAL
        assert api.get_client().get_boolean_value("on", False) is True
        api.shutdown()


def test_only_a_client_that_the_provider_started_is_closed(flags: FlagClient) -> None:
    """A client that was running is left running; one that was asleep is closed with the provider."""
    own = FlagClient(MemorySource(DOCUMENT), cache_dir=None)
    with flags:
        for each in (flags, own):
            provider = FlagcoreProvider(each)
            provider.initialize(EvaluationContext())
            provider.shutdown()
            provider.shutdown()
        assert flags.start() is True
        assert flags._life.is_awake
        assert not own._life.is_awake


def test_domains_have_providers_of_their_own(flags: FlagClient) -> None:
    """Two clients serve two domains; one provider may serve both."""
    other = FlagClient(MemorySource({"flags": {"boolean": {"value": False}}}), cache_dir=None)
    provider = FlagcoreProvider(flags)
    api.set_provider_and_wait(provider, "shop")
    api.set_provider_and_wait(provider, "mail")
    api.set_provider_and_wait(FlagcoreProvider(other), "desk")
    found = [api.get_client(domain).get_boolean_value("boolean", True) for domain in ("shop", "mail", "desk")]
    assert found == [True, True, False]


class Noting(Hook):
    """
    A hook that notes what it saw.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def after(self, hook_context: Any, details: Any, hints: Any) -> None:
        self.seen.append((hook_context.flag_key, details.value))

    def error(self, hook_context: Any, exception: Exception, hints: Any) -> None:
        self.seen.append((hook_context.flag_key, type(exception).__name__))


def test_the_providers_hooks_run(flags: FlagClient) -> None:
    """Hooks given to the provider run around each evaluation by it, errors included."""
    hook = Noting()
    api.set_provider_and_wait(FlagcoreProvider(flags, hooks=[hook]))
    client = api.get_client()
    client.get_string_value("string", "")
    client.get_string_value("boolean", "")
    assert hook.seen == [("string", "blue"), ("boolean", "TypeMismatchError")]


def test_tracking_is_handed_on(flags: FlagClient, caplog: pytest.LogCaptureFixture) -> None:
    """`on_track` gets the event, our context and the details; what it raises stops nobody; without it, nothing."""
    tracked: list[tuple[Any, ...]] = []

    def on_track(name: str, context: flagcore.EvaluationContext, details: TrackingEventDetails | None) -> None:
        tracked.append((name, context.targeting_key, details.value if details else None))
        raise ValueError("no")

    api.set_provider_and_wait(FlagcoreProvider(flags, on_track=on_track))
    api.get_client().track("bought", EvaluationContext("u1"), TrackingEventDetails(9.5))
    assert tracked == [("bought", "u1", 9.5)]
    assert "flagcore goes on" in caplog.text
    FlagcoreProvider(flags).track("bought")


def test_what_is_no_client_is_refused() -> None:
    """A source instead of its client is refused at construction."""
    with pytest.raises(ConfigError, match="expected a FlagClient, got MemorySource"):
        FlagcoreProvider(MemorySource({"flags": {}}))  # type: ignore[arg-type]


def run(code: str) -> str:
    """
    What a Python of its own prints.
    """
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_sdk_is_loaded_by_nothing_else() -> None:
    """flagcore itself needs no SDK; `flagcore.openfeature` without one says what to install."""
    assert run("import sys, flagcore; flagcore.FlagClient; print('openfeature' in sys.modules)") == "False"
    missing = "import sys; sys.modules['openfeature'] = None\ntry: import flagcore.openfeature\n"
    assert run(missing + "except ImportError as error: print(error)").endswith('pip install "flagcore[openfeature]"')
