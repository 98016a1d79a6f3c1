"""What monitoring reads."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import PlainTextResponse

from app.api.access import GuardedRoute, access
from app.api.dependencies import Context
from app.models.access import Permission

router = APIRouter(tags=["health"], route_class=GuardedRoute)


@router.get("/metrics", operation_id="get_metrics", response_class=PlainTextResponse)
@access(Permission.METRICS_READ)
def get_metrics(context: Context, accept: Annotated[str, Header()] = "") -> Response:
    """Counters and timings in Prometheus' text format, or OpenMetrics where `Accept` prefers it.

    Whoever has `METRICS_TOKEN` may read them as well, sent as a bearer token.
    """
    text, content_type = context.metrics.exposition(accept)
    return Response(text, headers={"Content-Type": content_type})
