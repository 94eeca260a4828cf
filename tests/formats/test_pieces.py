"""
A large document decoded in pieces says what it says decoded at one go, and lets others go on meanwhile.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore.errors import MalformedDocument
from flagcore.formats import pieces
from flagcore.formats.pieces import decode_pieces
from flagcore.formats.syntax import decode

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)
FLAG = {"value": {"text": "ünïcode " * 40, "list": [1, 2.5, None, True]}}
LARGE = {"hierarchy": ["org"], "flags": {f"flag-{number}": FLAG for number in range(2_000)}}


@given(value=values, limit=st.integers(1, 50), indent=st.none() | st.just(1))
@settings(max_examples=200)
def test_pieces_say_what_the_whole_says(value: Any, limit: int, indent: int | None) -> None:
    """Whatever the document and wherever it is cut, the values and their types are the same."""
    content = json.dumps(value, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_BYTES", limit)
        assert repr(decode_pieces(content)) == repr(msgspec.json.decode(content))


@pytest.mark.parametrize("shape", [LARGE, LARGE["flags"], list(LARGE["flags"].values()), "long " * 30_000])
@pytest.mark.parametrize("before", ["", "\n \t"])
def test_large_document_is_read(shape: Any, before: str) -> None:
    """A large object, array or string is what it says, with blanks about it or without."""
    content = (before + json.dumps(shape, ensure_ascii=False) + "\n").encode()
    assert len(content) > pieces.PIECE_BYTES
    assert decode(content) == shape


def test_last_of_two_members_of_one_name_counts() -> None:
    """Two members of one name are no fault, and the last counts, as at one go."""
    content = b'{"a": 1, "b": "%s", "a": 2}' % (b"x" * pieces.PIECE_BYTES)
    assert list(decode(content)) == list(msgspec.json.decode(content))  # type: ignore[arg-type]
    assert decode(content)["a"] == 2  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"}",
        b",",
        b'"flag": nul}',
        b'"flag": 01}',
        b'"flag": NaN}',
        b'"flag": "\xff"}',
        b'"\xff": 1}',
        b'"flag": {"a" 1}}',
    ],
    ids=repr,
)
def test_fault_in_a_large_document_is_told_as_in_a_small_one(broken: bytes) -> None:
    """A large document that is no JSON is refused whole, with the message and the place that it has at one go."""
    content = json.dumps(LARGE["flags"]).encode()[:-1] + (b", " + broken if broken else b"")
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)) as at_one_go:
        msgspec.json.decode(content)
    with pytest.raises(MalformedDocument) as found:
        decode(content)
    place = str(getattr(at_one_go.value, "start", at_one_go.value))
    assert place in str(found.value)


def test_document_nested_too_deep_is_refused() -> None:
    """Depth is refused as in a small document, however it is cut."""
    content = b'{"flags": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(MalformedDocument, match=r"depth|levels"):
        decode(content)


def test_others_go_on_while_a_large_document_is_decoded() -> None:
    """Another thread is let in many times before a large document is whole."""
    content = json.dumps({f"flag-{number}": FLAG for number in range(20_000)}).encode()
    begun, over = threading.Event(), threading.Event()
    turns = 0

    def run() -> None:
        begun.set()
        decode(content)
        over.set()

    thread = threading.Thread(target=run)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        thread.start()
        begun.wait()
        while not over.is_set():
            turns += 1
            time.sleep(0.0001)
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert turns > 10
