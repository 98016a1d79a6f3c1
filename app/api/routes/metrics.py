"""What monitoring reads."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.api.access import GuardedRoute, access
from app.api.dependencies import Context
from app.models.access import Permission

router = APIRouter(tags=["health"], route_class=GuardedRoute)

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The series: docs/monitoring.md lists them.",
        "content": {
            mime: {"schema": {"type": "string"}}
            for mime in ("text/plain", "application/openmetrics-text")
        },
    }
}


@router.get(
    "/metrics", operation_id="get_metrics", response_class=PlainTextResponse, responses=_TEXT
)
@access(Permission.METRICS_READ)
def get_metrics(context: Context, request: Request) -> Response:
    """Counters and timings in Prometheus' text format, or OpenMetrics where `Accept` prefers it.

    Whoever sends `METRICS_TOKEN` as a bearer token may read them too.
    """
    text, content_type = context.metrics.exposition(request.headers.get("Accept", ""))
    return Response(text, headers={"Content-Type": content_type})
