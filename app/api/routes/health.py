"""Is the service there, and can it speak?"""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.access import GuardedRoute, public
from app.api.dependencies import Context
from app.api.readiness import OK
from app.provenance.credentials import State

router = APIRouter(tags=["health"], route_class=GuardedRoute)


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"
    service: Literal["voice-clone-api"] = "voice-clone-api"


class Readiness(BaseModel):
    """Whether each part can be used, with the reason where it cannot."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ready": True,
                    "engine": "kokoro",
                    "checks": {
                        "database": "ok",
                        "storage": "ok",
                        "engine": "ok",
                        "recordings": "ok",
                    },
                    "c2pa": "on",
                    "works_on_jobs": True,
                }
            ]
        }
    )

    ready: bool
    engine: str = Field(description="The engine that speaks.")
    checks: dict[str, str]
    c2pa: State = Field(
        description="Whether files carry manifests: on, on with a certificate for tests, or why "
        "not."
    )
    works_on_jobs: bool = Field(description="Or leaves them to others: JOBS_WORKER.")


@router.get("/health", operation_id="get_health")
@public
async def get_health() -> Health:
    """Is the service there?"""
    return Health()


@router.get("/health/live", operation_id="get_liveness")
@public
async def get_liveness() -> Health:
    """Does the process answer? Asks nothing else, so that no fault elsewhere restarts it."""
    return Health()


@router.get(
    "/health/ready",
    operation_id="get_readiness",
    responses={503: {"model": Readiness, "description": "Some part cannot be used."}},
)
@public
async def get_readiness(context: Context, request: Request, response: Response) -> Readiness:
    """Can the service speak? 503 with the reasons if it cannot, and while it is being stopped."""
    checks = await request.app.state.readiness.states()
    if request.app.state.drain.begun:
        checks = {**checks, "server": "The server is being stopped."}
    ready = set(checks.values()) == {OK}
    response.status_code = 200 if ready else 503
    return Readiness(
        ready=ready,
        engine=context.engine.info.name,
        checks=checks,
        c2pa=context.provenance.credentials.state,
        works_on_jobs=context.settings.jobs_worker,
    )
