"""
Other vendors' OpenFeature providers behind flagcore's clients and views.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("openfeature", reason="the OpenFeature SDK is not installed")

from openfeature import api
from openfeature.evaluation_context import EvaluationContext as TheirContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode as TheirCode
from openfeature.exception import ProviderFatalError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from flagcore import ErrorCode, ErrorContext, FlagClient, MemorySource, Status
from flagcore.errors import ConfigError
from flagcore.openfeature import OpenFeatureSource
from flagcore.testing import override
from tests.loopback import until

VALUES: dict[str, Any] = {
    "boolean": True,
    "off": False,
    "string": "blue",
    "empty": "",
    "integer": 24,
    "float": 0.25,
    "object": {"max": 5, "tags": ["a"]},
    "array": ["NL", "BE"],
}


@pytest.fixture(autouse=True)
def _own_api() -> Iterator[None]:
    """
    Each test has OpenFeature's API to itself.
    """
    yield
    api.shutdown()


def in_memory(**values: Any) -> InMemoryProvider:
    """
    The SDK's own provider, with one variant for each flag.
    """
    return InMemoryProvider({key: InMemoryFlag("only", {"only": value}) for key, value in values.items()})


class Scripted(AbstractProvider):
    """
    A provider that answers every question by `answer(kind, key, default)`, and counts them.
    """

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, str]] = []
        self.contexts: list[TheirContext | None] = []

    def get_metadata(self) -> Metadata:
        return Metadata("scripted")

    def _ask(self, kind: str, key: str, default: Any, context: TheirContext | None) -> Any:
        self.asked.append((kind, key))
        self.contexts.append(context)
        return self.answer(kind, key, default)

    def resolve_boolean_details(self, flag_key: str, default_value: bool, evaluation_context: Any = None) -> Any:
        return self._ask("boolean", flag_key, default_value, evaluation_context)

    def resolve_string_details(self, flag_key: str, default_value: str, evaluation_context: Any = None) -> Any:
        return self._ask("string", flag_key, default_value, evaluation_context)

    def resolve_integer_details(self, flag_key: str, default_value: int, evaluation_context: Any = None) -> Any:
        return self._ask("integer", flag_key, default_value, evaluation_context)

    def resolve_float_details(self, flag_key: str, default_value: float, evaluation_context: Any = None) -> Any:
        return self._ask("float", flag_key, default_value, evaluation_context)

    def resolve_object_details(self, flag_key: str, default_value: Any, evaluation_context: Any = None) -> Any:
        return self._ask("object", flag_key, default_value, evaluation_context)


def exactly(value: Any) -> Any:
    """
    An answer for the question of the value's own type; TYPE_MISMATCH to any other.
    """
    kinds = {"boolean": bool, "string": str, "integer": int, "float": float, "object": dict}

    def answer(kind: str, key: str, default: Any) -> FlagResolutionDetails[Any]:
        if type(value) is kinds[kind]:
            return FlagResolutionDetails(value, reason=Reason.STATIC, variant="v")
        return FlagResolutionDetails(default, error_code=TheirCode.TYPE_MISMATCH, reason=Reason.ERROR)

    return answer


def ready(provider: Any, **options: Any) -> FlagClient:
    """
    A client of the provider, once that is ready.
    """
    client = FlagClient(OpenFeatureSource(provider, **options), cache_dir=None)
    client.start()
    assert client.wait_ready(5)
    return client


def test_every_type_is_read_as_it_is() -> None:
    """The getters see a provider's flags as they would see a document's."""
    flags = ready(in_memory(**VALUES)).flags()
    assert {key: flags.get_json(key, None) for key in VALUES} == VALUES
    assert flags.get_bool("boolean") is True
    assert flags.get_bool("off", True) is False
    assert flags.get_string("empty", "mine") == ""
    assert (flags.get_int("integer"), flags.get_float("integer"), flags.get_float("float")) == (24, 24.0, 0.25)
    assert flags.get_json("array", []) == ["NL", "BE"]
    details = flags.details("string", "")
    assert (details.variant, details.reason, details.flag_key) == ("only", "STATIC", "string")


def test_another_type_is_a_mismatch_and_an_unknown_flag_not_found() -> None:
    """Reads never raise: the default comes, and `details` says why."""
    flags = ready(in_memory(**VALUES)).flags()
    assert flags.details("string", 5).error_code is ErrorCode.TYPE_MISMATCH
    assert flags.get_int("string", 5) == 5
    missing = flags.details("nothing", "mine")
    assert (missing.value, missing.error_code) == ("mine", ErrorCode.FLAG_NOT_FOUND)


def test_a_view_asks_once_and_the_type_is_found_once() -> None:
    """Within a view an answer is remembered; in the next view the flag's own question is put first."""
    provider = Scripted(exactly("blue"))
    client = ready(provider)
    flags = client.flags()
    assert [flags.get_string("theme") for _ in range(3)] == ["blue"] * 3
    assert provider.asked == [("boolean", "theme"), ("string", "theme")]
    provider.asked.clear()
    assert client.get_string("theme") == "blue"
    assert provider.asked == [("string", "theme")]


def test_an_unknown_flag_is_asked_for_once() -> None:
    """What no other question would change is the answer."""
    answer = FlagResolutionDetails(False, error_code=TheirCode.FLAG_NOT_FOUND, reason=Reason.ERROR)
    provider = Scripted(lambda kind, key, default: answer)
    assert ready(provider).details("none", False).error_code is ErrorCode.FLAG_NOT_FOUND
    assert provider.asked == [("boolean", "none")]


def test_a_flag_that_changes_its_type_is_found_again() -> None:
    """The type that was found is tried first, and the others after it."""
    provider = Scripted(exactly("blue"))
    client = ready(provider)
    assert client.get_string("theme") == "blue"
    provider.answer = exactly(7)
    assert client.get_int("theme") == 7


def test_a_default_that_comes_back_is_no_answer() -> None:
    """A provider that gives the default without an error leaves it to the caller, whatever the type."""
    flags = ready(Scripted(lambda kind, key, default: FlagResolutionDetails(default, reason=Reason.DISABLED))).flags()
    assert flags.get_bool("on", True) is True
    assert flags.get_bool("on", False) is False
    assert flags.get_string("on", "mine") == "mine"
    assert flags.details("on", 5).reason == "DISABLED"


def test_a_boolean_that_is_false_without_a_variant_is_false() -> None:
    """False is told from a default by asking with the other default too."""
    flags = ready(Scripted(lambda kind, key, default: FlagResolutionDetails(False))).flags()
    assert flags.get_bool("on", True) is False
    assert flags.details("on", True).reason == "UNKNOWN"


def test_whole_numbers_and_fractions_keep_their_type() -> None:
    """A provider that converts gives neither `24.0` for 24 nor 0 for a quarter."""

    def converting(kind: str, key: str, default: Any) -> FlagResolutionDetails[Any]:
        value = {"quarter": 0.25, "page": 24}[key]
        if kind not in ("integer", "float"):
            return FlagResolutionDetails(default, error_code=TheirCode.TYPE_MISMATCH)
        return FlagResolutionDetails(int(value) if kind == "integer" else float(value))

    flags = ready(Scripted(converting)).flags()
    assert repr(flags.get_json("quarter")) == "0.25"
    assert repr(flags.get_json("page")) == "24"


def test_types_can_be_said_for_a_provider_that_converts_everything() -> None:
    """`types` puts one question alone."""
    provider = Scripted(lambda kind, key, default: FlagResolutionDetails(True if kind == "boolean" else "yes"))
    client = ready(provider, types={"answer": "string"})
    assert client.get_string("answer") == "yes"
    assert provider.asked == [("string", "answer")]


@pytest.mark.parametrize("code", list(TheirCode))
def test_every_error_code_of_a_provider_is_ours(code: TheirCode) -> None:
    """What a provider says is wrong is said on, with the default."""

    def answer(kind: str, key: str, default: Any) -> Any:
        raise TheirCode.to_exception(code, "what to do")

    details = ready(Scripted(answer)).flags().details("theme", "mine")
    assert (details.value, details.reason) == ("mine", "ERROR")
    assert (details.error_code, details.error_message) == (ErrorCode(code.value), "what to do")


@pytest.mark.parametrize("value", [object(), {1: 2}, float("nan")])
def test_a_value_that_is_no_json_is_an_error(value: Any) -> None:
    """Whatever comes back, a read gives the default."""
    kind = "float" if isinstance(value, float) else "object"
    flags = ready(
        Scripted(
            lambda asked, key, default: (
                FlagResolutionDetails(value)
                if asked == kind and kind != "object"
                else FlagResolutionDetails(value if isinstance(value, dict) else default)
            )
        )
    ).flags()
    assert flags.get_json("odd", "mine") == "mine"


def test_a_provider_that_breaks_does_not_break_reads() -> None:
    """An exception of the provider's is a GENERAL answer."""

    def answer(kind: str, key: str, default: Any) -> Any:
        raise ZeroDivisionError("oh")

    details = ready(Scripted(answer)).flags().details("theme", "mine")
    assert (details.value, details.error_code, details.error_message) == ("mine", ErrorCode.GENERAL, "oh")


def test_the_context_is_handed_on() -> None:
    """The provider sees the view's targeting key and attributes."""
    provider = Scripted(exactly(True))
    ready(provider).flags({"targeting_key": "u1", "org": {"name": "acme"}}).get_bool("on")
    assert provider.contexts == [TheirContext("u1", {"org": {"name": "acme"}})]


def test_layers_are_asked_in_turn() -> None:
    """A document above hides the provider's flag; one below answers where the provider has none."""
    above = MemorySource({"flags": {"string": {"value": "above"}}})
    below = MemorySource({"flags": {"string": {"value": "below"}, "extra": {"value": 1}}})
    source = OpenFeatureSource(in_memory(**VALUES))
    client = FlagClient(above, source, below, cache_dir=None)
    client.start()
    assert client.wait_ready(5)
    flags = client.flags()
    assert (flags.get_string("string"), flags.get_int("integer"), flags.get_int("extra")) == ("above", 24, 1)
    assert flags.details("nothing", 0).error_code is ErrorCode.FLAG_NOT_FOUND
    assert flags.snapshot.origin_of("integer") == "In-Memory Provider"
    assert flags.all() == {"string": "above", "extra": 1}


def test_a_change_below_another_layer_is_told() -> None:
    """The keys that a provider says have changed, beside another source."""
    provider = Scripted(exactly(True))
    client = FlagClient(MemorySource({"flags": {}}), OpenFeatureSource(provider), cache_dir=None)
    client.start(wait_seconds=5)
    told: list[frozenset[str]] = []
    client.on_change(told.append)
    provider.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=["a"]))
    until(lambda: told == [{"a"}])


def test_a_status_that_flaps_ends_where_the_provider_is() -> None:
    """Events come in threads of the SDK's, in any order: the client's status is the provider's last one."""
    provider = Scripted(exactly(True))
    client = ready(provider)
    for _ in range(30):
        provider.emit_provider_stale(ProviderEventDetails(message="down"))
        provider.emit_provider_ready(ProviderEventDetails())
    until(lambda: client.status is Status.READY)
    time.sleep(0.05)
    assert client.status is Status.READY


def test_overrides_of_tests_stand_above_it() -> None:
    """`override` serves its values; the provider answers for the rest."""
    client = ready(in_memory(**VALUES))
    with override(client, {"string": "test"}):
        assert (client.get_string("string"), client.get_int("integer")) == ("test", 24)
    assert client.get_string("string") == "blue"


def test_changes_are_told_with_their_keys() -> None:
    """A provider's CONFIGURATION_CHANGED reaches `on_change`; without keys it means those asked for so far."""
    provider = Scripted(exactly(True))
    client = ready(provider)
    told: list[frozenset[str]] = []
    client.on_change(told.append)
    client.get_bool("seen")
    provider.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=["a", "b"]))
    until(lambda: told == [{"a", "b"}])
    provider.emit_provider_configuration_changed(ProviderEventDetails())
    until(lambda: told[1:] == [{"seen"}])
    assert client.snapshot.version == "r2"


def test_the_status_follows_the_provider(caplog: pytest.LogCaptureFixture) -> None:
    """STALE, READY and FATAL of the provider are the client's; a stale provider is asked on."""
    provider = Scripted(exactly(True))
    client = ready(provider)
    assert client.status is Status.READY
    provider.emit_provider_stale(ProviderEventDetails(message="the stream is down"))
    until(lambda: client.status is Status.STALE)
    assert client.get_bool("on") is True
    until(lambda: "the stream is down" in caplog.text)
    provider.emit_provider_ready(ProviderEventDetails())
    until(lambda: client.status is Status.READY)
    provider.emit_provider_error(ProviderEventDetails(error_code=TheirCode.PROVIDER_FATAL, message="bad key"))
    until(lambda: client.status is Status.FATAL)
    assert client.details("on", False).error_code is ErrorCode.PROVIDER_FATAL


class Hopeless(Scripted):
    """
    A provider that can't be initialized.
    """

    def initialize(self, evaluation_context: TheirContext) -> None:
        raise ProviderFatalError("bad key")


def test_a_provider_that_fails_at_its_start_leaves_defaults() -> None:
    """The application starts; reads give the default with PROVIDER_FATAL, and waiting ends at once."""
    errors: list[ErrorContext] = []
    client = FlagClient(OpenFeatureSource(Hopeless(exactly(True))), cache_dir=None, on_error=errors.append)
    assert client.start(wait_seconds=5) is False
    until(lambda: client.status is Status.FATAL and errors != [])
    assert (errors[0].is_transient, errors[0].origin) == (False, "scripted")
    assert "bad key" in str(errors[0].exception)
    assert client.details("on", False).error_code is ErrorCode.PROVIDER_FATAL


def test_a_provider_that_was_failing_already_is_known_to() -> None:
    """Its state is taken over, though no event will tell of it any more."""
    provider = Scripted(exactly(True))
    api.set_provider_and_wait(provider)
    provider.emit_provider_stale(ProviderEventDetails(message="down"))
    client = FlagClient(OpenFeatureSource(provider), cache_dir=None)
    client.start()
    until(lambda: client.status in (Status.STALE, Status.ERROR))
    assert client.get_bool("on") is True


def test_a_provider_that_is_registered_already_is_not_started_again() -> None:
    """It is shared with the SDK's other clients, and outlives the source."""
    provider = Scripted(exactly(True))
    shut: list[bool] = []
    provider.shutdown = lambda: shut.append(True)  # type: ignore[method-assign]
    api.set_provider_and_wait(provider)
    source = OpenFeatureSource(provider)
    client = FlagClient(source, cache_dir=None)
    assert client.get_bool("on") is True
    source.close()
    source.close()
    assert client.details("on", False).error_code is ErrorCode.PROVIDER_NOT_READY
    assert api.get_client().get_boolean_value("on", False) is True
    assert shut == []


def test_what_is_no_provider_is_refused() -> None:
    """A slip is said at construction."""
    with pytest.raises(ConfigError, match="expected an OpenFeature provider, got str"):
        OpenFeatureSource("memory")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"types\['a'\]: expected one of boolean"):
        OpenFeatureSource(in_memory(), types={"a": "bool"})


def test_explain_names_the_provider_and_what_it_said() -> None:
    """Through the client, behind a layer that has not got the flag, and for one that nobody has."""
    client = FlagClient(
        MemorySource({"a": 1}, format="soasap"), OpenFeatureSource(in_memory(theme="dark")), cache_dir=None
    )
    with client:
        assert client.wait_ready(5)
        told = client.explain("theme")
        assert (told.resolution.value, told.resolution.variant, told.origin) == ("dark", "only", "In-Memory Provider")
        assert [str(step) for step in told.steps] == [
            '✓ provider In-Memory Provider: it gives "dark", for the reason STATIC, variant only'
        ]
        assert client.explain("a").origin == "memory"
        assert "· provider In-Memory Provider: it has no such flag" in str(client.explain("nothing"))
