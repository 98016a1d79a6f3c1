"""Batches: many texts spoken as one job."""

from app.services.batches.ahead import AheadBench
from app.services.batches.check import Place, wrong_items
from app.services.batches.files import read_items
from app.services.batches.service import BatchOptions, BatchService, Download
from app.services.batches.work import Bench

__all__ = [
    "AheadBench", "BatchOptions", "BatchService", "Bench", "Download", "Place", "read_items",
    "wrong_items",
]  # fmt: skip
