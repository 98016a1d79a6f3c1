"""What a manifest costs: time and bytes for files of ten seconds, and the share of synthesis."""

import io
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from app.audio.encode import encode_all
from app.audio.types import AudioFormat
from app.core.config import Settings
from app.core.metrics import Metrics
from app.provenance.claim import MEDIA_TYPES, Claim
from app.provenance.opening import open_provenance

_RATE = 24_000
_SECONDS = 10
_TIMES = 50
_SYNTHESIS_RTF = 0.1
"""Of an engine that is fast: what a manifest costs is more of a fast one's time than of a slow
one's."""


def main() -> None:
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(_RATE * _SECONDS) / 20) / 3 + rng.normal(0, 0.01, _RATE * _SECONDS)
    samples = tone.astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), c2pa="always")
        provenance = open_provenance(settings, test_engine=False, metrics=Metrics())
        start = time.perf_counter()
        claim = Claim(("voice",), "request", "synthesis")
        provenance.credentials.signed(
            _file(samples[:2400], AudioFormat.WAV), AudioFormat.WAV, claim
        )
        print(f"first file, with the library and a certificate: {_ms(start):.0f} ms\n")
        print("| format | sign, ms | verify, ms | added bytes | of the file | of its synthesis |")
        print("|---|---|---|---|---|---|")
        for fmt in MEDIA_TYPES:
            content = _file(samples, fmt)
            signing, reading, signed = [], [], b""
            for _ in range(_TIMES):
                start = time.perf_counter()
                signed = provenance.credentials.signed(content, fmt, claim)
                signing.append(_ms(start))
                start = time.perf_counter()
                provenance.reader().read(io.BytesIO(signed), MEDIA_TYPES[fmt])
                reading.append(_ms(start))
            added = len(signed) - len(content)
            share = median(signing) / (1000 * _SECONDS * _SYNTHESIS_RTF)
            print(
                f"| {fmt} | {median(signing):.1f} | {median(reading):.1f} | {added} "
                f"| {added / len(content):.2%} | {share:.2%} |"
            )
    print(f"\n{_SECONDS} s at {_RATE} Hz, median of {_TIMES}; synthesis at {_SYNTHESIS_RTF} RTF.")


def _file(samples: np.ndarray, fmt: AudioFormat) -> bytes:
    return encode_all(samples, fmt, input_rate=_RATE, output_rate=_RATE)


def _ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000
