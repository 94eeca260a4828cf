"""
The flag server: one definition file, served live to applications and edited on a page.

    flagcore serve flags.yaml

or inside an ASGI application of one's own:

    from flagcore_server import FlagServer

    app = Starlette(routes=[Mount("/flags", FlagServer("flags.yaml", admin_token=token))])

`FlagServer` and `serve` are public; every module here is internal.
"""

from __future__ import annotations

try:
    import starlette as _starlette  # noqa: F401 - asked for here, so that its absence is said in one sentence
except ImportError as error:  # pragma: no cover - tested in an environment without it
    raise ImportError('the flag server needs Starlette and uvicorn: pip install "flagcore[server]"') from error

from typing import TYPE_CHECKING, Any

from flagcore_server.server import FlagServer

if TYPE_CHECKING:
    from flagcore_server.serve import serve

__all__ = ["FlagServer", "serve"]


def __getattr__(name: str) -> Any:
    # Mounted in an application that another ASGI server runs, uvicorn is not needed.
    if name == "serve":
        from flagcore_server.serve import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
