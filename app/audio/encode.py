"""Speech into bytes of every output format, piece by piece or as a whole file."""

import struct
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Literal, Protocol, Self

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from app.audio.types import AudioFormat, Samples
from app.core.exceptions import UnsupportedFormat

_MIN_RATE, _MAX_RATE = 8_000, 48_000
# None: any rate from _MIN_RATE to _MAX_RATE.
_RATES: dict[AudioFormat, tuple[int, ...] | None] = {
    AudioFormat.WAV: None,
    AudioFormat.FLAC: None,
    AudioFormat.PCM: None,
    AudioFormat.MULAW: None,
    AudioFormat.OPUS: (8000, 12000, 16000, 24000, 48000),
    AudioFormat.MP3: (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    AudioFormat.AAC: (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
DEFAULT_RATES: dict[AudioFormat, int] = {AudioFormat.MULAW: 8000}
"""In Hz, for formats whose default is not the rate of the engine."""

_TYPES = {
    AudioFormat.WAV: "audio/wav",
    AudioFormat.MP3: "audio/mpeg",
    AudioFormat.FLAC: "audio/flac",
    AudioFormat.OPUS: "audio/ogg; codecs=opus",
    AudioFormat.AAC: "audio/aac",
}
_EXTENSIONS = {AudioFormat.OPUS: "ogg", AudioFormat.MULAW: "ulaw"}
_UNKNOWN_SIZE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Codec:
    """How FFmpeg writes a format; `live` are the muxer's options for a stream without an end."""

    container: str
    encoder: Literal["libmp3lame", "libopus", "aac", "flac"]
    live: dict[str, str] = field(default_factory=dict)


_CODECS = {
    AudioFormat.MP3: _Codec("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
    AudioFormat.OPUS: _Codec("ogg", "libopus", {"page_duration": "20000"}),
    AudioFormat.AAC: _Codec("adts", "aac"),
    AudioFormat.FLAC: _Codec("flac", "flac"),
}
# Same samples, same bytes; and no 8 KiB of room for tags in a FLAC.
_MUXER = {"fflags": "+bitexact", "metadata_header_padding": "0"}
_LIVE = {"flush_packets": "1"}


def check_rate(fmt: AudioFormat, sample_rate: int | None, native_rate: int) -> int:
    """The sample rate to write, in Hz.

    Args:
        fmt: what is written.
        sample_rate: asked for, or None for the default of the format.
        native_rate: of the engine; the default of most formats.

    Raises:
        UnsupportedFormat: the format does not have that rate; `allowed` is the list of rates, or
            `{"minimum": ..., "maximum": ...}` where any between is good.
    """
    rates = _RATES[fmt]
    if sample_rate is None:
        wanted = DEFAULT_RATES.get(fmt, native_rate)
        if rates is None:
            return min(max(wanted, _MIN_RATE), _MAX_RATE)
        return next((rate for rate in rates if rate >= wanted), rates[-1])
    if rates is None:
        if _MIN_RATE <= sample_rate <= _MAX_RATE:
            return sample_rate
        allowed: object = {"minimum": _MIN_RATE, "maximum": _MAX_RATE}
        text = f"any rate from {_MIN_RATE} to {_MAX_RATE} Hz"
    elif sample_rate in rates:
        return sample_rate
    else:
        allowed, text = list(rates), f"one of {', '.join(map(str, rates))} Hz"
    raise UnsupportedFormat(
        f"{fmt.value} cannot be written at {sample_rate} Hz.", f"Ask for {text}.", allowed=allowed
    )


def content_type(fmt: AudioFormat, sample_rate: int) -> str:
    """The media type. Headerless formats say in it what a player has to know."""
    if fmt is AudioFormat.PCM:
        return f"audio/pcm;rate={sample_rate};channels=1;encoding=s16le"
    if fmt is AudioFormat.MULAW:  # audio/basic is 8 kHz by definition (RFC 2046)
        return "audio/basic" if sample_rate == 8000 else f"audio/x-mulaw;rate={sample_rate}"
    return _TYPES[fmt]


def file_extension(fmt: AudioFormat) -> str:
    """Without the dot."""
    return _EXTENSIONS.get(fmt, fmt.value)


class AudioEncoder:
    """Writes one piece of audio. Close it, or use it in a `with`, also when it is abandoned.

    Streaming, bytes come with every call and headers leave the length open. Otherwise `encode`
    gives b"" and `finish` the whole file, its headers exact.

    Args:
        fmt: what to write.
        input_rate: of the samples, in Hz.
        output_rate: to write, in Hz, one that `check_rate` has passed.
        streaming: see above.
    """

    def __init__(
        self, fmt: AudioFormat, *, input_rate: int, output_rate: int, streaming: bool
    ) -> None:
        self._resampler = None
        if input_rate != output_rate:
            self._resampler = soxr.ResampleStream(input_rate, output_rate, 1, "float32")
        self._writer: _Writer = (
            _ContainerWriter(_CODECS[fmt], output_rate, streaming)
            if fmt in _CODECS
            else _RawWriter(fmt, output_rate, streaming)
        )

    def encode(self, samples: Samples) -> bytes:
        """Bytes that are ready, maybe none.

        Args:
            samples: float32 (n,), mono, [-1, 1]; what is over is clipped.
        """
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return self._writer.write(to_int16(samples))

    def finish(self) -> bytes:
        """The rest; nothing can be encoded after it."""
        rest = b""
        if self._resampler is not None:
            tail = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            rest = self._writer.write(to_int16(tail))
        return rest + self._writer.finish()

    def close(self) -> None:
        """Release FFmpeg's memory. Allowed at any time, and more than once."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def encode_all(samples: Samples, fmt: AudioFormat, *, input_rate: int, output_rate: int) -> bytes:
    """A whole file of `samples` (float32 (n,), mono, [-1, 1])."""
    with AudioEncoder(
        fmt, input_rate=input_rate, output_rate=output_rate, streaming=False
    ) as encoder:
        return encoder.encode(samples) + encoder.finish()


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Rounded, and clipped rather than wrapped around."""
    return np.asarray(np.clip(np.rint(samples * 32768.0), -32768, 32767), np.int16)


def mulaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """ITU-T G.711 mu-law: sign, 3 bits of exponent, 4 of mantissa, inverted."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)), 32635) + 132
    exponent = np.frexp(magnitude)[1] - 8  # of the highest bit set, 0 to 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    return np.asarray(~(sign | (exponent << 4) | mantissa) & 0xFF, np.uint8)


def wav_header(rate: int, size: int) -> bytes:
    """What stands before the samples of a WAV file: 16 bits, mono.

    Args:
        size: of the samples, in bytes.
    """
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    riff = min(size + 4 + len(form) + 8, _UNKNOWN_SIZE)
    data = min(size, _UNKNOWN_SIZE)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + form + struct.pack("<4sI", b"data", data)


class _Writer(Protocol):
    def write(self, samples: NDArray[np.int16]) -> bytes: ...
    def finish(self) -> bytes: ...
    def close(self) -> None: ...


class _RawWriter:
    """WAV, headerless PCM and mu-law: samples as they are, behind a header or none."""

    def __init__(self, fmt: AudioFormat, rate: int, streaming: bool) -> None:
        self._fmt = fmt
        self._rate = rate
        self._streaming = streaming
        self._pending = bytearray()
        if streaming:
            self._pending += self._header(_UNKNOWN_SIZE)

    def write(self, samples: NDArray[np.int16]) -> bytes:
        if self._fmt is AudioFormat.MULAW:
            self._pending += mulaw(samples).tobytes()
        else:
            self._pending += samples.astype("<i2").tobytes()
        return self._take() if self._streaming else b""

    def finish(self) -> bytes:
        body = self._take()
        return body if self._streaming else self._header(len(body)) + body

    def close(self) -> None:
        self._pending.clear()

    def _take(self) -> bytes:
        taken = bytes(self._pending)
        self._pending.clear()
        return taken

    def _header(self, size: int) -> bytes:
        return wav_header(self._rate, size) if self._fmt is AudioFormat.WAV else b""


class Pipe:
    """A file that can only be written: the muxer cannot go back to its header."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def write(self, data: bytes) -> int:
        self._pending += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._pending)
        self._pending.clear()
        return taken


class _ContainerWriter:
    """Formats that FFmpeg encodes."""

    def __init__(self, codec: _Codec, rate: int, streaming: bool) -> None:
        self._rate = rate
        self._pts = 0
        self._pipe = Pipe() if streaming else None
        self._file = BytesIO()
        self._container = av.open(
            self._pipe or self._file,
            "w",
            format=codec.container,
            options=_MUXER | (_LIVE | codec.live if streaming else {}),
        )
        self._stream = self._container.add_stream(codec.encoder, rate=rate, layout="mono")
        if codec.encoder != "flac":
            self._stream.bit_rate = bit_rate(rate)

    def write(self, samples: NDArray[np.int16]) -> bytes:
        if len(samples):
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate = self._rate
            frame.pts = self._pts
            self._pts += len(samples)
            self._container.mux(self._stream.encode(frame))
        return self._pipe.take() if self._pipe else b""

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self.close()
        return self._pipe.take() if self._pipe else self._file.getvalue()

    def close(self) -> None:
        self._container.close()


def bit_rate(rate: int) -> int:
    """In bit/s: clear for one voice, and within what MP3 and AAC allow at that sample rate."""
    if rate < 16_000:
        return 32_000
    return 64_000 if rate <= 24_000 else 96_000
