"""
As `flask_app`, for ASGI servers: with a lifespan.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from flagcore.adapter import read_options
from flagcore_fastapi import FlagsDep, lifespan
from tests.servers.answer import answer

options = read_options({})
app = FastAPI(lifespan=lifespan(options.client, wait_seconds=options.wait_seconds))


@app.get("/")
async def page(flags: FlagsDep) -> dict[str, Any]:
    return answer(flags)
