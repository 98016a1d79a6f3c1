"""Speaking: the service, and what it gives."""

from app.services.synthesis.rewording import Rewording
from app.services.synthesis.service import SynthesisService
from app.services.synthesis.speech import Order, Said, Speech

__all__ = ["Order", "Rewording", "Said", "Speech", "SynthesisService"]
