"""From the first sound that Azure writes to the first sound that a client has: over the fake of
Azure and a real server on loopback, with the real watermark. Beside it, in the same run, what waits
for the whole sentence: the same request as events.
"""

import argparse
import json
import os
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib.resources import files
from typing import Final

import numpy as np
import psutil

from app.audio.decode import decode
from app.audio.dsp import resample, sound_span
from bench.data import LIMITS
from bench.server import Server, serving
from tests.azure_fake.speech import SpeechFake, speech_service
from tests.consents.speakers import wav

RATE: Final = 24_000
_FORMATS: Final = ("pcm", "wav", "mp3", "opus")
_PIECES_MS: Final = (20, 85, 170)
_FASTER: Final = 4.0
_SPEECH_S: Final = 1.2
_WARM: Final = 5
_WAV_HEADER: Final = 44
_STREAM: Final = "/api/v1/synthesis/speak/stream"
_TEXT: Final = "Nobody expected it."


def main(options: list[str]) -> None:
    """Print milliseconds from the first piece that Azure writes to the client's first sound."""
    parser = argparse.ArgumentParser(prog="python -m bench first-byte", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=60, help="of each row")
    parser.add_argument(
        "--ahead", action="store_true", help="of all else on a busy machine: real-time priority"
    )
    asked = parser.parse_args(options)
    runs = asked.runs
    print(f"{runs} runs each, load {os.getloadavg()[0]:.1f}; Azure at {_FASTER:g} times real time")
    print(f"{'format':8}{'pieces':>8}{'within a sentence':>20}{'p95':>9}{'whole':>9}{'p95':>9}  ms")
    with speech_service() as fake:
        fake.account.sound = _speech()
        with _server(fake) as server:
            voice = _registered(server, fake)
            if asked.ahead:
                _go_ahead(server)
            for fmt in _FORMATS:
                for ms in _PIECES_MS:
                    fake.account.piece_bytes = 2 * RATE * ms // 1000
                    fake.account.pause_s = ms / 1000 / _FASTER
                    body = {"text": _TEXT, "voice": voice, "format": fmt, "store": False}
                    flown = [_first(server, fake, body, _audio) for _ in range(_WARM + runs)]
                    events = body | {"stream_format": "sse"}
                    whole = [_first(server, fake, events, _event) for _ in range(_WARM + runs)]
                    row = [
                        1000 * np.quantile(times[_WARM:], share)
                        for times in (flown, whole)
                        for share in (0.5, 0.95)
                    ]
                    print(f"{fmt:8}{ms:5} ms{row[0]:20.1f}{row[1]:9.1f}{row[2]:9.0f}{row[3]:9.0f}")


def _server(fake: SpeechFake) -> AbstractContextManager[Server]:
    return serving(
        VOICE_ENGINE="azure",
        AZURE_SPEECH_KEY=fake.account.key,
        AZURE_SPEECH_ENDPOINT=fake.url,
        AZURE_SPEECH_POLL_S="0.01",
        WATERMARK="always",
    )


def _speech() -> bytes:
    """Somebody who begins at once, as Azure sends it."""
    content = (files("app") / "samples" / "sample.flac").read_bytes()
    heard = decode(content, LIMITS)
    samples = resample(heard.samples, heard.sample_rate, RATE)
    span = sound_span(samples, RATE, threshold_db=-30.0, keep_s=0.0)
    samples = samples[span][: round(_SPEECH_S * RATE)]
    return bytes((samples * 32767).astype("<i2").tobytes())


def _go_ahead(server: Server) -> None:
    """Have the threads of both processes scheduled before those of others. Needs the right to."""
    for process in (server.process, psutil.Process()):
        for thread in process.threads():
            os.sched_setscheduler(thread.id, os.SCHED_RR, os.sched_param(1))


def _registered(server: Server, fake: SpeechFake) -> str:
    """A voice at Azure, with the agreement that it wants."""
    content = (files("app") / "samples" / "sample.flac").read_bytes()
    heard = decode(content, LIMITS)
    said = wav(resample(heard.samples, heard.sample_rate, RATE))
    form = {
        "speaker": "Jane Smith", "company": "Contoso", "purpose": "Benchmarks.",
        "signed_by": "Jane Smith", "language": "en-US",
    }  # fmt: skip
    sent = {"provider_recording": ("p.wav", said, "audio/wav")}
    agreed = server.client.post("/api/v1/consents", data=form, files=sent)
    agreed.raise_for_status()
    made = server.client.post(
        "/voices",
        files={"file": ("a.wav", said, "audio/wav")},
        data={"consent_id": agreed.json()["id"]},
    )
    made.raise_for_status()
    return str(made.json()["voice_id"])


def _first(
    server: Server,
    fake: SpeechFake,
    body: dict[str, object],
    has_sound: Callable[[bytes, str], bool],
) -> float:
    """Seconds; the client leaves then, and the next one finds the server idle."""
    with server.client.stream("POST", _STREAM, json=body) as response:
        response.raise_for_status()
        content = b""
        for piece in response.iter_raw():
            content += piece
            if has_sound(content, str(body["format"])):
                took = time.perf_counter() - fake.account.began[-1]
                break
        else:
            raise SystemExit("There was no sound.")
    time.sleep(0.05)
    return took


def _audio(content: bytes, fmt: str) -> bool:
    """Whether there is more than headers."""
    if fmt == "wav":
        return len(content) > _WAV_HEADER
    if fmt == "opus":
        return sum(1 for _ in _pages(content)) > 2  # what it is, and who made it
    return len(content) > 0


def _pages(content: bytes) -> Iterator[int]:
    """Where the whole pages of Ogg begin."""
    at = 0
    while len(content) >= at + 27 and len(content) >= at + 27 + content[at + 26]:
        count = content[at + 26]
        end = at + 27 + count + sum(content[at + 27 : at + 27 + count])
        if len(content) < end:
            return
        yield at
        at = end


def _event(content: bytes, fmt: str) -> bool:
    block, ended, _ = content.partition(b"\n\n")
    if not ended or not block.startswith(b"event: audio"):
        return False
    data = json.loads(block.partition(b"data: ")[2])
    return _audio(b64decode(data["audio"]), fmt)
