import functools
import logging
import threading
from typing import Any

import pytest

from flagcore import EvaluationContext, FlagClient, Flags, MemorySource, get_flags
from flagcore.adapter import Gate, bind, context_builder, flag_rows, format_rows, reading, request_view, unbind
from flagcore.errors import ConfigError
from tests.documents import failed_client, native


@pytest.fixture
def client() -> FlagClient:
    return FlagClient(MemorySource(native(on=True, off=False, theme="dark", count=1)))


@pytest.mark.parametrize(
    ("key", "value", "is_open"),
    [
        ("on", True, True),
        ("off", True, False),
        ("unknown", True, False),
        ("theme", True, False),
        ("count", True, False),
        ("on", False, False),
        ("off", False, True),
        ("unknown", False, True),
        ("theme", False, True),
        ("theme", "dark", True),
        ("theme", "light", False),
        ("unknown", "dark", False),
        ("count", 1, True),
        ("on", 1, False),
        ("count", "1", False),
    ],
)
def test_a_gate_is_open_only_for_its_value(client: FlagClient, key: str, value: Any, is_open: bool) -> None:
    """Unknown and wrongly typed flags count as False: one kind of gate hides, the other stays open."""
    assert Gate(key, value=value).is_open(client.flags()) is is_open


def test_a_gate_stays_as_it_is_without_flags() -> None:
    """Before anything has come, as for an unknown flag."""
    assert Gate("a").is_open(Flags()) is False
    assert Gate("a", value=False).is_open(Flags()) is True


def test_a_gate_is_closed_to_everybody_once_its_flag_has_failed() -> None:
    """It answers 503, whatever else it was to do; for a flag that another layer defines it decides as ever."""
    with failed_client(MemorySource(native(other=True))) as client:
        flags = client.flags()
        for gate in (Gate("on"), Gate("on", value=False, retry_after_seconds=9), Gate("on", redirect_to="/")):
            facing = gate.facing(flags)
            assert (facing.is_open(flags), facing.status) == (False, 503)
            assert (facing.fallback, facing.redirect_to, facing.headers) == (None, None, gate.headers)
        gate = Gate("other")
        assert gate.facing(flags) is gate
    assert gate.facing(Flags()) is gate


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": ""}, "key"),
        ({"key": lambda: None}, "key"),
        ({"status": 200}, "status"),
        ({"status": "404"}, "status"),
        ({"fallback": "home"}, "fallback"),
        ({"redirect_to": ""}, "redirect_to"),
        ({"redirect_to": 5}, "redirect_to"),
        ({"redirect_to": "/", "fallback": print}, "got both"),
        ({"retry_after_seconds": -1}, "retry_after_seconds"),
        ({"retry_after_seconds": 1.5}, "retry_after_seconds"),
        ({"retry_after_seconds": True}, "retry_after_seconds"),
    ],
)
def test_a_gate_refuses_what_cannot_be_right(options: dict[str, Any], message: str) -> None:
    """Where the decorator is written, not when the page is asked for."""
    with pytest.raises(ConfigError, match=message):
        Gate(**{"key": "a", **options})


def test_a_refusal_says_when_to_come_back() -> None:
    """As RFC 9110 has it: whole seconds."""
    assert Gate("a", retry_after_seconds=120).headers == {"Retry-After": "120"}
    assert Gate("a").headers == {}


def test_a_context_function_that_fails_reads_as_anonymous_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises or returns."""
    answers: list[Any] = [{"targeting_key": "u"}, ZeroDivisionError(), 5, {"targeting_key": 5}, None]

    def context_from(request: int) -> Any:
        answer = answers[request]
        if isinstance(answer, Exception):
            raise answer
        return answer

    context_of = context_builder(context_from)
    found = [context_of(number).targeting_key for number in range(5)]
    assert found == ["u", None, None, None, None]
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def a_coroutine_function(request: object) -> dict[str, Any]:
    return {}


class AsyncCall:
    async def __call__(self, request: object) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    "bad", [a_coroutine_function, functools.partial(a_coroutine_function), AsyncCall(), "not a function", None]
)
def test_a_context_function_must_be_plain(bad: Any) -> None:
    """A coroutine function is refused with what to do instead."""
    with pytest.raises(ConfigError, match="context_from"):
        context_builder(bad)


def test_a_hidden_coroutine_is_no_context(caplog: pytest.LogCaptureFixture) -> None:
    """A plain function that returns one reads as anonymous, without a warning of the interpreter's."""
    assert context_builder(lambda request: a_coroutine_function(request))(1) == EvaluationContext()
    assert "anonymous" in caplog.text


def test_a_request_has_one_view(client: FlagClient) -> None:
    """Made by the first who asks, whatever thread; its context is built by the first read."""
    built: list[str] = []

    def context_of(request: str) -> EvaluationContext:
        built.append(request)
        return EvaluationContext(request)

    view = request_view(lambda request: client.view(functools.partial(context_of, request)), "r1")
    found: set[int] = set()
    threads = [threading.Thread(target=lambda: found.add(id(view()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert built == []
    assert view().get_bool("on") is True
    assert view().context.targeting_key == "r1"
    assert built == ["r1"]


def test_binding_is_undone_by_its_token(client: FlagClient) -> None:
    """Nested bindings come back in order."""
    one, two = client.flags(), client.flags()
    assert reading() is None
    first = bind(lambda: one)
    second = bind(lambda: two)
    assert get_flags() is two
    unbind(second)
    assert reading() is one
    unbind(first)
    assert reading() is None


def test_rows_are_what_the_commands_list() -> None:
    """Sorted, with value, reason and the layer that answers."""
    document = {"ordered_hierarchy": ["org"], "features": {"f": {"x": 1}, "d": {"default": {"a": 1}, "x": 2}}}
    client = FlagClient(MemorySource(native(on=True)), MemorySource(document, "foff"))
    rows = flag_rows(client, {"org": "y"})
    assert [(row.key, str(row.reason), row.source) for row in rows] == [
        ("d", "DEFAULT", "memory"),
        ("f", "DEFAULT", "memory"),
        ("on", "STATIC", "memory"),
    ]
    assert format_rows(rows).splitlines() == [
        "flag  value                   reason   source",
        'd     {"a":1}                 DEFAULT  memory',
        "f     (the caller's default)  DEFAULT  memory",
        "on    true                    STATIC   memory",
    ]
