"""
Where a JSON path stands in a text: its line and column.

Looked for only when something is wrong there, since it reads the text once more.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from flagcore.formats.syntax import yaml_parser

__all__ = ["Places"]

_STEP = re.compile(r"""\.(?P<name>\w+)|\[(?P<index>\d+)\]|\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")


class Places:
    """
    The places in one text of YAML, or of JSON, which YAML 1.2 holds within it.

    Args:
        content: the text, known to be sound. One that can't be read has no places.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._root: Any = None

    def of(self, where: str) -> str:
        """
        Such as `line 7, column 12`, both from 1, for a JSON path: of its value, or of the nearest thing around it that
        the text has. Empty where there is no telling. Costs a reading of the text at the first call. I/O: none.
        """
        if self._root is None:
            self._root = _composed(self._content)
        node = self._root
        if not node:
            return ""
        for step in _steps(where):
            found = _child(node, step)
            if found is None:
                break
            node = found
        mark = node.start_mark
        return f"line {mark.line + 1}, column {mark.column + 1}"


def _composed(content: bytes) -> Any:
    try:
        from ruamel.yaml.error import YAMLError

        parser = yaml_parser()
    except ImportError:
        return False
    try:
        return parser.compose(content) or False
    except (YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        return False


def _steps(where: str) -> Iterator[str | int]:
    for found in _STEP.finditer(where):
        if found["index"] is not None:
            yield int(found["index"])
        else:
            yield found["name"] if found["name"] is not None else ast.literal_eval(found["quoted"])


def _child(node: Any, step: str | int) -> Any:
    inner = node.value
    if not isinstance(inner, list):
        return None
    if isinstance(step, int):
        is_array = step < len(inner) and not isinstance(inner[step], tuple)
        return inner[step] if is_array else None
    for pair in inner:
        if isinstance(pair, tuple) and pair[0].value == step:
            # A value left out has its mark where the next thing begins.
            return pair[1] if pair[1].start_mark.index < pair[1].end_mark.index else pair[0]
    return None
