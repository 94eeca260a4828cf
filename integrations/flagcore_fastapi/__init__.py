"""
flagcore in FastAPI.

    client = FlagClient(FileSource("flags.yaml"))
    app = FastAPI(lifespan=lifespan(client))
    app.add_middleware(FlagsMiddleware, context_from=whose)

    @app.get("/checkout")
    async def checkout(flags: FlagsDep) -> Limits:
        return flags.get_json("limits", {})

    @app.get("/beta/{page}")
    @require_flag("beta-page")
    def beta(page: str) -> str: ...

    app.include_router(admin, dependencies=[FlagGate("admin", status=403)])

`lifespan`, `FlagsMiddleware`, `flags_health` and `install` (for templates) are Starlette's; see `flagcore_starlette`.
FastAPI adds no HEAD to a route by itself: `app.add_api_route("/healthz/flags", flags_health, methods=["GET", "HEAD"])`.
"""

from __future__ import annotations

try:
    import fastapi as _fastapi  # noqa: F401 - asked for here, so that its absence is told in one sentence
except ModuleNotFoundError as error:
    if error.name != "fastapi":
        raise
    raise ImportError('flagcore_fastapi needs FastAPI: pip install "flagcore[fastapi]"') from error

from flagcore_fastapi.dependencies import FlagGate as FlagGate
from flagcore_fastapi.dependencies import FlagsDep as FlagsDep
from flagcore_fastapi.dependencies import get_flags as get_flags
from flagcore_fastapi.gate import require_flag as require_flag
from flagcore_starlette import FlagsMiddleware as FlagsMiddleware
from flagcore_starlette import flags_health as flags_health
from flagcore_starlette import install as install
from flagcore_starlette import lifespan as lifespan

__all__ = [
    "FlagGate",
    "FlagsDep",
    "FlagsMiddleware",
    "flags_health",
    "get_flags",
    "install",
    "lifespan",
    "require_flag",
]
