"""Which engine speaks, and what it can do."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.access import GuardedRoute, access
from app.api.dependencies import Context
from app.engines.base import Engine
from app.models.access import Permission

router = APIRouter(prefix="/api/v1/engines", tags=["engines"], route_class=GuardedRoute)


class EngineDetails(BaseModel):
    """What an engine can do."""

    name: str
    title: str
    version: str
    sample_rate: int = Field(description="Of its own speech, in Hz.")
    languages: list[str]
    max_chars: int = Field(description="Longest piece it speaks at once; texts are split to it.")
    reference_s: tuple[float, float] | None = Field(
        description="Shortest and longest useful recording in seconds; null if it cannot clone."
    )
    controls: list[str]
    concurrency: int
    local: bool = Field(description="Whether text and recordings stay on this machine.")
    trainable: bool = Field(description="Whether its voices can be adapted to their recordings.")
    word_timings: bool = Field(description="Whether it says when each word is spoken.")

    @classmethod
    def of(cls, engine: Engine) -> "EngineDetails":
        info = engine.info
        return cls(
            name=info.name,
            title=info.title,
            version=info.version,
            sample_rate=info.sample_rate,
            languages=list(info.languages),
            max_chars=info.max_chars,
            reference_s=info.reference_s,
            controls=sorted(info.controls),
            concurrency=info.concurrency,
            local=info.local,
            trainable=info.trainable,
            word_timings=info.word_timings,
        )


class EngineList(BaseModel):
    """The engines of this server."""

    items: list[EngineDetails]


@router.get("", operation_id="list_engines")
@access(Permission.ENGINES_READ)
async def list_engines(context: Context) -> EngineList:
    """The engine that runs, and what it can do; behind it those that may speak in its place."""
    engines = (context.engine, *context.standbys)
    return EngineList(items=[EngineDetails.of(engine) for engine in engines])
