import threading

import pytest

from flagcore import FlagClient, MemorySource
from flagcore.errors import MalformedDocument
from flagcore.testing import override
from tests.documents import native


def test_serves_its_values_for_the_block() -> None:
    """Above all sources, in every thread; flags it does not name stay."""
    client = FlagClient(MemorySource(native(a=1, b=1)))
    before = client.flags()
    with override(client, {"a": 2, "new": True}):
        assert client.get_int("a") == 2
        assert client.flags().all() == {"a": 2, "b": 1, "new": True}
        assert before.get_int("a") == 1
        seen: list[int] = []
        thread = threading.Thread(target=lambda: seen.append(client.flags().get_int("a")))
        thread.start()
        thread.join()
        assert seen == [2]
        within = client.flags()
    assert client.flags().all() == {"a": 1, "b": 1}
    assert within.get_int("a") == 2


def test_nests_and_ends_in_any_order() -> None:
    """The last one put on is on top."""
    client = FlagClient(MemorySource(native(a=1)))
    outer, inner = override(client, {"a": 2, "b": 2}), override(client, {"a": 3})
    outer.__enter__()
    inner.__enter__()
    assert client.all() == {"a": 3, "b": 2}
    outer.__exit__(None, None, None)
    assert client.all() == {"a": 3}
    inner.__exit__(None, None, None)
    assert client.all() == {"a": 1}


def test_survives_a_change_of_the_source() -> None:
    """News from below does not show through."""
    source = MemorySource(native(a=1))
    client = FlagClient(source)
    with override(client, {"a": 2}):
        source.update(native(a=5))
        assert client.get_int("a") == 2
    assert client.get_int("a") == 5


def test_takes_off_after_a_failure() -> None:
    """A test that fails leaves nothing behind."""
    client = FlagClient(MemorySource(native(a=1)))
    with pytest.raises(ZeroDivisionError), override(client, {"a": 2}):
        raise ZeroDivisionError
    assert client.get_int("a") == 1


def test_works_as_a_decorator() -> None:
    """On a test function."""
    client = FlagClient(MemorySource(native(a=1)))

    @override(client, {"a": 2})
    def body() -> int:
        return client.get_int("a")

    assert [body(), body(), client.get_int("a")] == [2, 2, 1]


def test_refuses_what_is_no_json() -> None:
    """With the path to it."""
    client = FlagClient(MemorySource(native()))
    with pytest.raises(MalformedDocument, match=r"\$\.a"), override(client, {"a": object()}):
        pass
