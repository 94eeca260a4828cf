"""
A Celery application whose one task says which process answers, and what it reads. It starts to follow the flags when
it is loaded, in the parent of the processes that work.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery

from flagcore.adapter import read_options
from tests.servers.answer import answer

#: Where the broker and the results are, in the environment of the worker.
FOLDER = "SERVERS_CELERY_FOLDER"


def configured(folder: Path) -> Any:
    """
    The application, with a broker and a result store of files.
    """
    made = Celery("flags", broker="filesystem://", backend=f"file://{folder}/results")
    queue = str(folder / "queue")
    made.conf.update(
        broker_transport_options={
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": str(folder / "control"),
            "polling_interval": 0.02,
        },
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        task_acks_late=True,
    )
    return made


if FOLDER in os.environ:
    app = configured(Path(os.environ[FOLDER]))
    client = read_options({}).client
    client.start(5)

    @app.task(name="look")
    def look() -> dict[str, Any]:
        """
        One answer.
        """
        return answer(client)  # by its own getters, which at a fork only the hook can wake
