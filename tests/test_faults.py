"""
A document that comes from outside with a fault in it: what is served, and what is said.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from flagcore import Body, ErrorCode, FlagClient, Status
from flagcore.errors import MalformedDocument
from flagcore.sources.memory import MemorySource
from tests.documents import Table, eventually

BROKEN = {"flags": {"bad": {"value": 1, "rules": [{"if": "a b", "value": 2}]}, "good": {"value": 3}}}


def body(document: Any, etag: str) -> Body:
    return Body(json.dumps(document).encode(), etag)


def test_a_flag_with_a_fault_spoils_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    """The others are served, it gives the default with PARSE_ERROR and where, and the log says so once a document."""
    source = Table(body(BROKEN, "1"))
    caplog.set_level(logging.WARNING, "flagcore")
    with FlagClient(source, cache_dir=None) as client:
        assert client.wait_ready(5)
        assert client.status is Status.READY
        assert client.get_int("good") == 3
        answer = client.flags().details("bad", 7)
        assert (answer.value, answer.error_code) == (7, ErrorCode.PARSE_ERROR)
        assert "$.flags.bad.rules[0].if" in str(answer.error_message)
        asked = len(source.asked)
        eventually(lambda: len(source.asked) > asked + 2)
        (line,) = [each.message for each in caplog.records]
        assert line.startswith("table: $.flags.bad.rules[0].if: expected a condition")
        source.answer = body({"flags": {"bad": {"value": 1}}}, "2")
        eventually(lambda: client.get_int("bad") == 1)


def test_many_faults_do_not_drown_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A few are said, the others counted."""
    source = Table(body({"flags": {f"f{number}": number for number in range(8)}}, "1"))
    with FlagClient(source, cache_dir=None) as client:
        assert client.wait_ready(5)
    assert len(caplog.records) == 6
    assert caplog.records[-1].message == "table: 3 more like these; `flagcore check` lists all"


def test_who_holds_the_document_has_it_refused() -> None:
    """A source in memory refuses a fault at construction and at an update, and the old document stays."""
    with pytest.raises(MalformedDocument, match=r"\$\.flags\.bad\.rules\[0\]\.if"):
        MemorySource(BROKEN)
    source = MemorySource({"flags": {"good": {"value": 1}}})
    with FlagClient(source) as client:
        with pytest.raises(MalformedDocument):
            source.update(json.dumps(BROKEN))
        assert client.get_int("good") == 1
