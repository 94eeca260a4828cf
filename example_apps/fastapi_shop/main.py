"""
The shop in FastAPI.

    uvicorn example_apps.fastapi_shop.main:app
"""

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.templating import Jinja2Templates

from flagcore import FlagClient, HTTPSource
from flagcore_fastapi import FlagsDep, FlagsMiddleware, install, lifespan, require_flag

FLAGS_URL = os.environ.get("FLAGCORE_URL", "http://127.0.0.1:8099/api/v1/document")

client = FlagClient(HTTPSource(FLAGS_URL, "native", stream_url=f"{FLAGS_URL}/stream"))

templates = Jinja2Templates(Path(__file__).parents[1] / "templates")
install(templates)


def context_from(request: Request) -> dict[str, Any]:
    """
    Who is asking: here what the address says, in a shop of yours the user.
    """
    asked = request.query_params
    return {"targeting_key": asked.get("visitor") or None, "org": asked.get("org"), "country": asked.get("country")}


app = FastAPI(lifespan=lifespan(client, wait_seconds=2))
app.add_middleware(FlagsMiddleware, context_from=context_from)


@app.get("/")
@require_flag("maintenance-mode", value=False, status=503, retry_after_seconds=120)
async def shop(request: Request, flags: FlagsDep, visitor: str = "", org: str = "", country: str = "") -> Response:
    """
    The basket and the checkout.
    """
    page = {
        "framework": "FastAPI",
        "visitor": visitor,
        "org": org,
        "country": country,
        "theme": flags.get_string("theme", "light"),
        "limits": flags.get_json("checkout-limits", {"max_items": 10, "max_total": 500}),
    }
    return templates.TemplateResponse(request, "shop.html", page)
