"""
A Celery worker under test: asked by tasks instead of requests.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.cell import Cell
from tests.servers.deployment import Deployment

__all__ = ["TaskDeployment"]

#: Seconds that a task may take to be answered. One that a killed process had taken may never be.
_ANSWER_SECONDS = 1.0


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

    def _ask(self, times: int) -> dict[int, str]:
        sent = [self._app.send_task("look") for _ in range(times)]
        deadline = time.monotonic() + _ANSWER_SECONDS
        while time.monotonic() < deadline and not all(each.ready() for each in sent):
            time.sleep(0.01)
        answers = [each.result for each in sent if each.ready()]
        return {each["pid"]: each["value"] for each in answers}
