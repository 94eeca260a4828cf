"""
The leaves of a condition: attribute names and literals, and where each stands in the text.
"""

from __future__ import annotations

import ast
from math import isfinite

from flagcore.formats.condition_text import ConditionFault
from flagcore.value import Json, kind

__all__ = ["MAX_PATH", "Leaves"]

#: Words of other languages for Python's literals. As attribute names they would be missing, and so silently false.
_FOREIGN = {"true": "True", "false": "False", "null": "None", "none": "None", "undefined": "None", "nil": "None"}

#: Names in one dotted attribute: deeper than any context that people write, and each is a look-up at the read.
MAX_PATH = 20

_NODES = {
    ast.Attribute: "an attribute",
    ast.BinOp: "arithmetic",
    ast.BoolOp: "a condition",
    ast.Call: "a call",
    ast.Compare: "a condition",
    ast.Constant: "a literal",
    ast.Dict: "an object",
    ast.IfExp: "an `if`",
    ast.List: "a list",
    ast.Name: "an attribute",
    ast.NamedExpr: "an assignment",
    ast.Starred: "a star",
    ast.Subscript: "a subscript",
    ast.Tuple: "a tuple",
    ast.UnaryOp: "a condition or arithmetic",
}


class Leaves:
    """
    Reads the leaves of one condition's tree.

    Args:
        line: the text that was parsed, on one line.
        margin: the characters that stood before it.
    """

    def __init__(self, line: str, margin: int) -> None:
        self._line = line
        self._margin = margin

    def path(self, node: ast.expr) -> tuple[str, ...]:
        """
        The names of an attribute, dotted for nested ones.

        Raises:
            ConditionFault: it is none, is too deep, or is another language's word for a literal.
        """
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            raise self.fault(node, f"expected the name of an attribute before the dot, got {self.spelled(node)}")
        if node.id in _FOREIGN and not names:
            raise self.fault(node, f"expected {_FOREIGN[node.id]}, got {node.id}")
        if len(names) >= MAX_PATH:
            raise self.fault(node, f"expected at most {MAX_PATH} names with dots between, got {len(names) + 1}")
        return (node.id, *reversed(names))

    def literal(self, node: ast.expr) -> Json:
        """
        The value of a literal, or of a list of them.

        Raises:
            ConditionFault: it is none.
        """
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self._scalar(each) for each in node.elts]
        return self._scalar(node)

    def _scalar(self, node: ast.expr) -> Json:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._scalar(node.operand)
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                return -number
        elif isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, float) and not isfinite(value):
                raise self.fault(node, "expected a finite number, got a larger one")
            if value is None or isinstance(value, (bool, int, float, str)):
                return value
        elif isinstance(node, (ast.Name, ast.Attribute)):
            raise self.fault(node, f"expected a value written out, got the attribute {'.'.join(self.path(node))}")
        raise self.fault(node, f"expected an attribute or a literal, got {self.spelled(node)}")

    def spelled(self, node: ast.expr) -> str:
        """
        What an error calls a node.
        """
        if isinstance(node, ast.Constant) and not isinstance(node.value, (bytes, complex)):
            return kind(node.value) if node.value is not ... else "an ellipsis"
        if isinstance(node, (ast.Compare, ast.BoolOp)) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            return "a condition"
        return _NODES.get(type(node), f"what Python calls {type(node).__name__}")

    def fault(self, node: ast.expr, message: str) -> ConditionFault:
        """
        The fault that `message` says, about `node`.
        """
        # Python counts bytes; people count characters.
        index = len(self._line.encode()[: node.col_offset].decode())
        return ConditionFault(message, self._margin + index)
