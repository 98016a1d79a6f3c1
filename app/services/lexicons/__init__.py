"""The callers' lexicons: made, changed, filled from files, written to files, deleted."""

from app.lexicons.formats import Form
from app.services.lexicons.entries import EntryFilter, EntryService
from app.services.lexicons.service import LexiconExport, LexiconService
from app.services.lexicons.tools import LexiconLimits, LexiconTools
from app.services.lexicons.uploads import Upload, UploadService

__all__ = [
    "EntryFilter",
    "EntryService",
    "Form",
    "LexiconExport",
    "LexiconLimits",
    "LexiconService",
    "LexiconTools",
    "Upload",
    "UploadService",
]
