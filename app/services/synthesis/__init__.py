"""Speaking: the service, and what it gives."""

from app.services.synthesis.rewording import Rewording
from app.services.synthesis.service import SynthesisService
from app.services.synthesis.speech import Order, Said, Speech, Take
from app.services.synthesis.stage import Standby

__all__ = ["Order", "Rewording", "Said", "Speech", "Standby", "SynthesisService", "Take"]
