"""Speaking: the service, and what it gives."""

from app.services.synthesis.service import SynthesisLimits, SynthesisService
from app.services.synthesis.speech import Order, Speech

__all__ = ["Order", "Speech", "SynthesisLimits", "SynthesisService"]
