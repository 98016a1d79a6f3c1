"""Many pieces of audio in one file, with marks where each begins."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from numpy.typing import NDArray

from app.audio.encode import Pipe, bit_rate, wav_header
from app.audio.types import AudioFormat
from app.core.exceptions import AppError

_BLOCK_S: Final = 10
_MOST_MARKS: Final = 1000  # numbers of three digits
_RATE: Final = re.compile(r"rate=(\d+)")
_MULAW_RATE: Final = 8000  # of audio/basic
_CODES: Final = np.arange(256, dtype=np.uint8)

# The muxer cannot go back: no header with the length of the whole, and all marks before the sound.
_MUXERS: Final = {
    AudioFormat.MP3: ("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "4"}),
    AudioFormat.OPUS: ("ogg", "libopus", {"page_duration": "20000"}),
    AudioFormat.FLAC: ("flac", "flac", {}),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter: what it is called, and where it is, in seconds."""

    title: str
    start_s: float
    end_s: float


class Joiner:
    """Writes a file piece by piece; close it, or use it in a `with`.

    MP3 has its chapters as ID3v2 frames, Opus and FLAC as comments (`CHAPTER001`); of more than a
    thousand, Opus and FLAC have the first ones. WAV has none.

    Args:
        fmt: MP3, Opus, FLAC or WAV.
        rate: of the samples and of the file, in Hz.
        samples: that will be written, for the header of a WAV.
    """

    def __init__(self, fmt: AudioFormat, *, rate: int, marks: Sequence[Mark], samples: int) -> None:
        self._rate = rate
        self._pts = 0
        self._pipe = Pipe()
        self._container: Any = None
        if fmt is AudioFormat.WAV:
            self._pipe.write(wav_header(rate, 2 * samples))
            return
        container, codec, options = _MUXERS[fmt]
        self._container = av.open(
            self._pipe, "w", format=container, options={"fflags": "+bitexact", **options}
        )
        self._stream = self._container.add_stream(codec, rate=rate, layout="mono")
        if fmt is not AudioFormat.FLAC:
            self._stream.bit_rate = bit_rate(rate)
        if fmt is AudioFormat.MP3:
            self._container.set_chapters(_chapters(marks))
        else:
            comments = self._stream if fmt is AudioFormat.OPUS else self._container
            comments.metadata.update(_comments(marks))

    def write(self, samples: NDArray[np.int16]) -> bytes:
        """Bytes that are ready, maybe none."""
        if self._container is None:
            self._pipe.write(samples.astype("<i2").tobytes())
        elif len(samples):
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate = self._rate
            frame.pts = self._pts
            self._pts += len(samples)
            self._container.mux(self._stream.encode(frame))
        return self._pipe.take()

    def finish(self) -> bytes:
        """The rest."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self.close()
        return self._pipe.take()

    def close(self) -> None:
        """Release FFmpeg's memory. Allowed at any time, and more than once."""
        if self._container is not None:
            self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def blocks(content: bytes, content_type: str, *, rate: int) -> Iterator[NDArray[np.int16]]:
    """The samples of a file that was made here, some seconds at a time.

    Args:
        content_type: as `app.audio.encode` has told it.
        rate: that they shall have, in Hz.

    Raises:
        AppError: it cannot be read.
    """
    try:
        yield from _resampled(_frames(content, content_type), rate)
    except av.FFmpegError as error:
        raise AppError("Audio that was made here cannot be read.") from error


def silence(samples: int, rate: int) -> Iterator[NDArray[np.int16]]:
    """So many samples of it, some seconds at a time."""
    for start in range(0, samples, _BLOCK_S * rate):
        yield np.zeros(min(_BLOCK_S * rate, samples - start), np.int16)


def _frames(content: bytes, content_type: str) -> Iterator[av.AudioFrame]:
    kind = content_type.partition(";")[0]
    if kind not in ("audio/pcm", "audio/basic", "audio/x-mulaw"):
        with av.open(BytesIO(content), "r") as container:
            yield from container.decode(audio=0)
        return
    found = _RATE.search(content_type)
    rate = int(found[1]) if found else _MULAW_RATE
    pcm = np.frombuffer(content, "<i2").astype(np.int16) if kind == "audio/pcm" else None
    samples = _unmulaw(np.frombuffer(content, np.uint8)) if pcm is None else pcm
    for start in range(0, len(samples), _BLOCK_S * rate):
        block = samples[start : start + _BLOCK_S * rate]
        frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
        frame.sample_rate = rate
        yield frame


def _resampled(frames: Iterator[av.AudioFrame], rate: int) -> Iterator[NDArray[np.int16]]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    held: list[NDArray[np.int16]] = []
    for frame in _with_end(frames):
        if frame is not None:
            frame.pts = None  # gaps in time would be filled
        held += [np.asarray(out.to_ndarray()[0], np.int16) for out in resampler.resample(frame)]
        if held and (frame is None or sum(map(len, held)) >= _BLOCK_S * rate):
            yield np.concatenate(held)
            held = []


def _with_end(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame | None]:
    yield from frames
    yield None  # so the resampler gives what it still has


def _unmulaw(codes: NDArray[np.uint8]) -> NDArray[np.int16]:
    return np.asarray(_LINEAR[codes], np.int16)


def _linear() -> NDArray[np.int16]:
    """Of each code of ITU-T G.711 mu-law, the middle of what it stands for."""
    code = ~_CODES
    exponent, mantissa = (code >> 4) & 7, (code & 0x0F).astype(np.int32)
    magnitude = ((mantissa << 3) + 132 << exponent.astype(np.int32)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


_LINEAR: Final = _linear()


def _chapters(marks: Sequence[Mark]) -> list[Any]:
    return [
        {
            "id": number,
            "start": round(mark.start_s * 1000),
            "end": round(mark.end_s * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": mark.title},
        }
        for number, mark in enumerate(marks, start=1)
    ]


def _comments(marks: Sequence[Mark]) -> dict[str, str]:
    """https://wiki.xiph.org/Chapter_Extension"""
    made: dict[str, str] = {}
    for number, mark in enumerate(marks[:_MOST_MARKS]):
        seconds, milliseconds = divmod(round(mark.start_s * 1000), 1000)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        made[f"CHAPTER{number:03d}"] = f"{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}"
        made[f"CHAPTER{number:03d}NAME"] = mark.title
    return made
