"""
A Celery worker under test: asked by tasks instead of requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.cell import Cell
from tests.servers.deployment import Deployment

__all__ = ["TaskDeployment"]

#: Seconds that a task may take to be answered.
_ANSWER_SECONDS = 5.0


class TaskDeployment(Deployment):
    """
    As `Deployment`; its broker and its results are folders.
    """

    def __init__(self, cell: Cell, folder: Path, environment: Mapping[str, str]) -> None:
        from tests.servers.celery_app import FOLDER, configured

        for name in ("queue", "control", "results"):
            (folder / name).mkdir()
        self._app: Any = configured(folder)
        super().__init__(cell, folder, {**environment, FOLDER: str(folder)})

    def ask(self) -> dict[int, str]:
        """
        As many tasks at once as there are processes, and one.
        """
        from celery.exceptions import TimeoutError as NoAnswer

        sent = [self._app.send_task("look") for _ in range(self.cell.workers + 1)]
        try:
            answers = [each.get(timeout=_ANSWER_SECONDS, interval=0.01) for each in sent]
        except NoAnswer:
            return {}
        return {each["pid"]: each["value"] for each in answers}
