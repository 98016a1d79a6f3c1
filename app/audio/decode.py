"""Uploads of any supported container and codec, read from memory into mono samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import av
import numpy as np
import soxr
from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer
from numpy.typing import NDArray

from app.audio.types import Samples
from app.core.exceptions import RecordingTooLong, UnreadableAudio, UploadTooLarge

ACCEPTED = ("WAV", "MP3", "M4A/AAC", "OGG (Opus or Vorbis)", "WebM", "FLAC")
_SUGGESTION = f"Send one of: {', '.join(ACCEPTED)}. Check that the file plays elsewhere."

# Whatever else FFmpeg can open (playlists, images, subtitles, devices) is attack surface only.
_CONTAINERS = "wav,mp3,mov,aac,ogg,matroska,flac"
_CODECS = frozenset(
    f"pcm_{kind}{end}" for kind in ("s16", "s24", "s32", "f32", "f64") for end in ("le", "be")
) | {
    "pcm_u8", "pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "mp2", "mp2float", "mp3",
    "mp3float", "aac", "alac", "opus", "libopus", "vorbis", "libvorbis", "flac",
}  # fmt: skip
_OPTIONS = {
    "format_whitelist": _CONTAINERS,
    "codec_whitelist": ",".join(sorted(_CODECS)),  # also keeps probing away from video decoders
    "protocol_whitelist": "",  # a playlist or reference inside the file opens no file or address
}
_MIN_RATE, _MAX_RATE = 4_000, 384_000
# Kept at most at this rate: ten minutes of silence at 384 kHz is a small FLAC, but 0.9 GB here.
_MAX_KEPT_RATE = 96_000
_NO_SIZE = 0xFFFF0000
_PLANES = 8  # AV_NUM_DATA_POINTERS of FFmpeg
_FULL_SCALE = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31}
# What PyAV lets through besides its own errors when a file lies about itself.
_FOREIGN = (av.FFmpegError, ValueError, ArithmeticError, LookupError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What an upload may cost.

    Attributes:
        max_bytes: size of the file.
        max_seconds: length when decoded; decoding stops there, whatever the header says.
        max_channels: more are refused.
    """

    max_bytes: int
    max_seconds: float
    max_channels: int = 8


@dataclass(frozen=True, slots=True)
class DecodedAudio:
    """An upload as samples.

    Attributes:
        samples: float32 (n,), n >= 1, finite, [-1, 1], the mean of all channels.
        sample_rate: in Hz, of the file, but 96 kHz for files above that.
        channels: of the file.
        codec: FFmpeg's name, e.g. `pcm_s16le`, `mp3`, `opus`.
        cut_off: whether the header announces more than there is; known of WAV files only.
    """

    samples: Samples
    sample_rate: int
    channels: int
    codec: str
    cut_off: bool = False

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def decode(content: bytes, limits: DecodeLimits) -> DecodedAudio:
    """Read an audio file.

    A file that breaks off or is damaged in places gives what can be read of it.

    Raises:
        UploadTooLarge: more than `limits.max_bytes`.
        RecordingTooLong: more than `limits.max_seconds`; `measured` is where decoding stopped.
        UnreadableAudio: empty, no audio, not one of the accepted formats, or broken.
    """
    if len(content) > limits.max_bytes:
        raise UploadTooLarge(
            f"The file has {len(content)} bytes; {limits.max_bytes} are allowed.",
            "Send a shorter recording, or a compressed one (FLAC, MP3, Opus).",
            measured=len(content),
            limit=limits.max_bytes,
        )
    if not content:
        raise UnreadableAudio("The file is empty.", _SUGGESTION)
    try:
        with av.open(
            BytesIO(content), "r", options=_OPTIONS, metadata_errors="ignore"
        ) as container:
            return _read(container, limits, cut_off=_is_cut_off(content))
    except _FOREIGN as error:
        raise UnreadableAudio("The file is not readable audio.", _SUGGESTION) from error


def _is_cut_off(content: bytes) -> bool:
    """A WAV file that is shorter than its header says. Streamed ones announce no real size."""
    size = int.from_bytes(content[4:8], "little")
    return content[:4] == b"RIFF" and len(content) < size + 8 < _NO_SIZE


def _read(container: InputContainer, limits: DecodeLimits, *, cut_off: bool) -> DecodedAudio:
    if not container.streams.audio:
        raise UnreadableAudio("There is no audio in the file.", _SUGGESTION)
    codec: AudioCodecContext | None = container.streams.audio[0].codec_context
    if codec is None or codec.name not in _CODECS:  # None, against PyAV's types: no such decoder
        name = codec.name if codec else "an unknown codec"
        raise UnreadableAudio(f"Audio coded as {name} is not accepted.", _SUGGESTION)
    mono = _Mono(limits)
    for frame in _frames(container):
        mono.add(frame)
    samples = mono.finish()
    if not np.isfinite(samples).all():
        raise UnreadableAudio("The file holds samples that are not numbers.", _SUGGESTION)
    # Float files and lossy decoders may go over full scale: clipping here would do damage.
    samples /= max(1.0, float(np.abs(samples).max()))
    return DecodedAudio(samples, mono.rate, mono.channels, codec.codec.canonical_name, cut_off)


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    """All frames of the first audio stream that can be decoded.

    Raises:
        UnreadableAudio: most of the packets are damaged, or nothing can be decoded.
    """
    stream = container.streams.audio[0]
    good = bad = 0
    cause: Exception | None = None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except av.FFmpegError as error:  # broken off: what came before is kept
            cause = error
            break
        try:
            frames = packet.decode()
        except av.FFmpegError as error:  # one damaged packet is a gap of some 20 ms
            bad, cause = bad + 1, error
            continue
        good += bool(frames)
        yield from frames
    if good == 0 or bad > good:
        raise UnreadableAudio("The file is damaged, or holds no sound.", _SUGGESTION) from cause


class _Mono:
    """Collects frames as mono float32 at the rate of the first, and watches the limits."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._parts: list[Samples] = []
        self._seconds = 0.0
        self._input_rate = 0
        self._resampler: soxr.ResampleStream | None = None
        self._shape: tuple[str, str, int] | None = None
        self._packer = av.AudioResampler(format="flt")
        self.rate = 0
        self.channels = 0

    def add(self, frame: av.AudioFrame) -> None:
        self._check(frame)
        self._seconds += frame.samples / frame.sample_rate
        if self._seconds > self._limits.max_seconds:
            raise RecordingTooLong(
                f"The recording is longer than {self._limits.max_seconds:g} s.",
                "Send a shorter part of it.",
                measured=round(self._seconds, 2),
                limit=self._limits.max_seconds,
            )
        if frame.sample_rate != self._input_rate:
            self._change_rate(frame.sample_rate)
        for packed in self._packed(frame):
            self._append(_mix(packed), last=False)

    def finish(self) -> Samples:
        """float32 (n,), n >= 1."""
        self._append(np.zeros(0, np.float32), last=True)
        samples = np.concatenate(self._parts)
        if not len(samples):
            raise UnreadableAudio("The file holds no sound.", _SUGGESTION)
        return samples

    def _packed(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        """The frame in a form that is safe to read.

        PyAV takes planes up to the first null pointer. FFmpeg keeps eight of them, and behind them
        other data: reading eight planar channels crashes the process. Packed there is one plane.
        """
        if not frame.format.is_planar or frame.layout.nb_channels < _PLANES:
            return [frame]
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            self._shape = shape
            self._packer = av.AudioResampler(format="flt", layout=frame.layout)
        frame.pts = None  # the packer would fill jumps in time
        return self._packer.resample(frame)

    def _check(self, frame: av.AudioFrame) -> None:
        channels, rate = frame.layout.nb_channels, frame.sample_rate
        if not 1 <= channels <= self._limits.max_channels:
            raise UnreadableAudio(
                f"The file has {channels} channels; 1 to {self._limits.max_channels} are accepted.",
                "Send a mono or stereo recording.",
                measured=channels,
                limit=self._limits.max_channels,
            )
        if not _MIN_RATE <= rate <= _MAX_RATE:
            raise UnreadableAudio(
                f"The sample rate is {rate} Hz; {_MIN_RATE} to {_MAX_RATE} are accepted.",
                "Send a recording at 16000 to 48000 Hz.",
                measured=rate,
            )
        self.channels = max(self.channels, channels)

    def _change_rate(self, rate: int) -> None:
        """Joined streams may change their rate midway: the first one is kept."""
        self._append(np.zeros(0, np.float32), last=True)
        self._input_rate = rate
        self.rate = self.rate or min(rate, _MAX_KEPT_RATE)
        same = rate == self.rate
        self._resampler = None if same else soxr.ResampleStream(rate, self.rate, 1, "float32")

    def _append(self, samples: Samples, *, last: bool) -> None:
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        self._parts.append(samples)


def _mix(frame: av.AudioFrame) -> Samples:
    """The mean of all channels, float32 (n,). A mean, unlike FFmpeg's down-mix, cannot clip."""
    data: NDArray[np.generic] = frame.to_ndarray()  # (channels, n) planar, (1, n * channels) packed
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    if data.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks for NaN and inf
            return np.asarray(data.mean(axis=0), np.float32)
    scale = _FULL_SCALE[data.dtype.str[1:]]
    mean = data.mean(axis=0, dtype=np.float64) / scale
    return np.asarray(mean - 1.0 if data.dtype.kind == "u" else mean, np.float32)
