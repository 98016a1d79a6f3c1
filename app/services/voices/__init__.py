"""The callers' voices: made of recordings, listed, changed, taken along, deleted."""

from app.services.voices.bundles import BundleService
from app.services.voices.cloning import CloningService, TrainAgain, TrainOrder
from app.services.voices.others import OtherEngines
from app.services.voices.receiving import Sent
from app.services.voices.samples import SampleService
from app.services.voices.service import Change, Upload, VoiceService
from app.services.voices.tools import VoiceLimits, VoiceTools, admission_of

__all__ = [
    "BundleService",
    "Change",
    "CloningService",
    "OtherEngines",
    "SampleService",
    "Sent",
    "TrainAgain",
    "TrainOrder",
    "Upload",
    "VoiceLimits",
    "VoiceService",
    "VoiceTools",
    "admission_of",
]
