"""
What one process found out: figures, and why there is none where there is none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

__all__ = ["Report"]


@dataclass
class Report:
    """
    A peer's figures, in the rows' units, as they come out of its process.

    Attributes:
        name: the peer's module in `bench.peers`.
        version: its package's version.
        python: the interpreter's version.
        figures: {row: figure}.
        absent: {row: why there is no figure}; under `""` why there is none at all.
        checked: {row: how many answers were compared before it was timed}.
    """

    name: str
    version: str = ""
    python: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    checked: dict[str, int] = field(default_factory=dict)

    def dumped(self) -> str:
        """
        As one line of JSON.
        """
        return json.dumps(asdict(self))

    @classmethod
    def loaded(cls, line: str) -> Report:
        """
        What `dumped` made.
        """
        return cls(**json.loads(line))
