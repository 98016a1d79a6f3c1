"""What routes ask for, by name."""

from typing import Annotated

from fastapi import Depends, Request

from app.context import AppContext
from app.models.base import LOCAL_OWNER
from app.services.synthesis import SynthesisService
from app.services.training import TrainingService
from app.services.voices import VoiceService


def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


def _voices(context: Annotated[AppContext, Depends(_context)]) -> VoiceService:
    return context.voices


def _synthesis(context: Annotated[AppContext, Depends(_context)]) -> SynthesisService:
    return context.synthesis


def _training(context: Annotated[AppContext, Depends(_context)]) -> TrainingService:
    return context.training


def _owner() -> str:
    return LOCAL_OWNER


Context = Annotated[AppContext, Depends(_context)]
Voices = Annotated[VoiceService, Depends(_voices)]
Synthesis = Annotated[SynthesisService, Depends(_synthesis)]
Training = Annotated[TrainingService, Depends(_training)]
Owner = Annotated[str, Depends(_owner)]
