"""
flagcore in Starlette.

    client = FlagClient(FileSource("flags.yaml"))
    app = Starlette(
        routes=[Route("/checkout", checkout)],
        lifespan=lifespan(client),
        middleware=[Middleware(FlagsMiddleware, context_from=whose)],
    )

    @require_flag("new-checkout")
    async def checkout(request):
        flags = get_flags(request)
        return JSONResponse(flags.get_json("limits"))

One view for each request or websocket, made when it is first asked for. The middleware lets code without the request
read it by `flagcore.get_flags()`, and takes `context_from`; `get_flags(request)` works without it.
"""

from __future__ import annotations

try:
    import starlette as _starlette  # noqa: F401 - asked for here, so that its absence is told in one sentence
except ModuleNotFoundError as error:
    if error.name != "starlette":
        raise
    raise ImportError('flagcore_starlette needs Starlette: pip install "flagcore[starlette]"') from error

from flagcore_starlette.binding import FlagsMiddleware as FlagsMiddleware
from flagcore_starlette.binding import get_flags as get_flags
from flagcore_starlette.gate import require_flag as require_flag
from flagcore_starlette.health import flags_health as flags_health
from flagcore_starlette.holding import lifespan as lifespan
from flagcore_starlette.templates import install as install

__all__ = ["FlagsMiddleware", "flags_health", "get_flags", "install", "lifespan", "require_flag"]
