from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flagcore import EvaluationContext
from flagcore.formats import parse_document
from flagcore.resolution import ABSENT
from flagcore.rules.compiler import compile_ruleset
from flagcore.snapshot import Snapshot

FOLDER = Path(__file__).parents[1] / "spec" / "native"
ENTRIES = [
    pytest.param(entry, id=f"{path.stem}: {entry['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for entry in json.loads(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_answers_as_the_cases_say(entry: dict[str, Any]) -> None:
    """Value, reason, variant and error code of each case, whatever the language."""
    ruleset = parse_document("native", entry["document"])
    snapshot = Snapshot(ruleset.plain, compile_ruleset(ruleset), hierarchy=ruleset.hierarchy)
    for case in entry["cases"]:
        answer = snapshot.resolve(case["key"], EvaluationContext.of(case["context"]))
        value = None if answer.value is ABSENT else answer.value
        error = str(answer.error_code) if answer.error_code is not None else None
        found = (value, str(answer.reason), answer.variant, error)
        expected = (case["value"], case["reason"], case.get("variant"), case.get("error"))
        assert found == expected, (case, answer.error_message)
        assert type(value) is type(case["value"])
