"""What can be wrong with a recording, or special about a voice, made from good speech. Everything
is deterministic: the same speech gives the same file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import av
import numpy as np
from av.filter import Graph

from app.audio.dsp import resample
from app.audio.encode import to_int16
from app.audio.types import Recording, Samples
from bench.data import flac

RATE = 16_000
"""Of all speech here, in Hz."""
OTHERS = 3
"""How many other speakers a condition may need."""

_PEAK = 0.9
_TURN_S = 5.0
_PAUSE_S = 2.5
_WINDOW, _HOP = 512, 128
_MAX_QUEFRENCY = 32  # samples (2 ms): below the period of any voice, so it holds no pitch
# C, G, A minor, F: semitones from A4, a chord for 2 s
_CHORDS = ((-9, -5, -2), (-14, -10, -7), (-12, -9, -5), (-16, -12, -9))
_CHORD_S = 2.0

Change = Callable[[Samples], Samples]
"""Speech in, speech out: float32 (n,) to (m,), mono at `RATE`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A way to spoil a recording.

    Attributes:
        upload: the speech and that of `OTHERS` other speakers, as long or longer, to a file.
        disguise: if the speech becomes that of somebody else: the same change for clips that a
            clone is compared with.
    """

    upload: Callable[[Samples, Sequence[Samples]], bytes]
    disguise: Change | None = None


def _changed(change: Change) -> Condition:
    return Condition(lambda speech, _: _flac(change(speech)))


def _disguised(change: Change) -> Condition:
    return Condition(lambda speech, _: _flac(change(speech)), change)


def _flac(speech: Samples, rate: int = RATE) -> bytes:
    """A file at some rate; what is louder than -1 dBFS is turned down, not cut off."""
    speech = resample(speech, RATE, rate)
    return flac(Recording(speech * min(1.0, _PEAK / float(np.abs(speech).max())), rate))


def _clipped_flac(speech: Samples, *, share: float) -> bytes:
    """So loud that this share of all samples is cut off."""
    loudest = float(np.quantile(np.abs(speech), 1.0 - share))
    return flac(Recording(np.clip(speech / loudest, -1.0, 1.0), RATE))


def by_ffmpeg(
    speech: Samples, rate: int, container: str, codec: str, bit_rate: int, *, source: int = RATE
) -> bytes:
    """A file of any codec; bit_rate in bit/s, source: the rate of the speech."""
    file = BytesIO()
    samples = to_int16(resample(speech, source, rate))
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono", bit_rate=bit_rate)
        for second in np.split(samples, range(rate, len(samples), rate)):  # whole it takes long
            frame = av.AudioFrame.from_ndarray(second[None], format="s16", layout="mono")
            frame.sample_rate = rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def _power(samples: Samples) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


def _mixed(speech: Samples, noise: Samples, snr_db: float) -> Samples:
    """Speech with something under it, so many dB below its mean power."""
    noise = noise[: len(speech)]
    gain = np.sqrt(_power(speech) / _power(noise) * 10.0 ** (-snr_db / 10.0))
    return np.asarray(speech + gain * noise, np.float32)


def noisy(speech: Samples, *, snr_db: float) -> Samples:
    noise = np.random.default_rng(0).standard_normal(len(speech), np.float32)
    return _mixed(speech, noise, snr_db)


def _babble(speech: Samples, others: Sequence[Samples], *, snr_db: float) -> Samples:
    """Others who speak at once, each as loud as the other."""
    talk = sum(other[: len(speech)] / np.sqrt(_power(other)) for other in others)
    return _mixed(speech, np.asarray(talk, np.float32), snr_db)


def reverberant(speech: Samples, *, rt60_s: float) -> Samples:
    """In a room: the sound itself and as much power again in noise that decays by 60 dB in
    `rt60_s` (the statistical model of Polack, 1988), as some way off the microphone.
    """
    time = np.arange(int(rt60_s * RATE)) / RATE
    tail = np.random.default_rng(0).standard_normal(len(time)) * 10.0 ** (-3.0 * time / rt60_s)
    response = tail / np.linalg.norm(tail)
    response[0] = 1.0
    size = len(speech) + len(response)
    product = np.fft.rfft(speech, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(product, size)[: len(speech)], np.float32)


def music(speech: Samples, *, snr_db: float) -> Samples:
    """Struck chords of notes with eight partials under the speech."""
    time = np.arange(int(_CHORD_S * RATE)) / RATE
    chords = []
    for chord in _CHORDS:
        sound = np.zeros(len(time))
        for semitones in chord:
            hz = 440.0 * 2.0 ** (semitones / 12.0)
            for k in range(1, 9):
                sound += np.sin(2.0 * np.pi * k * hz * time) * np.exp(-0.6 * k * time) / k
        chords.append(sound)
    tune = np.resize(np.concatenate(chords), len(speech))
    return _mixed(speech, np.asarray(tune, np.float32), snr_db)


def _telephone(speech: Samples) -> Samples:
    """300 to 3400 Hz, by Butterworth filters of order 8 and 20 without delay."""
    spectrum = np.fft.rfft(speech)
    hz = np.maximum(np.fft.rfftfreq(len(speech), 1.0 / RATE), 1.0)
    spectrum /= np.sqrt((1.0 + (300.0 / hz) ** 16) * (1.0 + (hz / 3400.0) ** 40))
    return np.asarray(np.fft.irfft(spectrum, len(speech)), np.float32)


def _turns(speech: Samples, others: Sequence[Samples]) -> Samples:
    """A conversation: another speaker, as loud, says every second turn."""
    other = others[0] * np.sqrt(_power(speech) / _power(others[0]))
    turn = np.arange(len(speech)) // int(_TURN_S * RATE)
    return np.where(turn % 2 == 0, speech, other[: len(speech)]).astype(np.float32)


def _at_level(speech: Samples, *, dbfs: float) -> Samples:
    """At a mean (RMS) level."""
    return np.asarray(speech * np.sqrt(10.0 ** (dbfs / 10.0) / _power(speech)), np.float32)


def _with_pauses(speech: Samples) -> Samples:
    """After each 2 s, in the quietest 20 ms, a long pause with the noise of the quietest tenth."""
    frame = RATE // 50
    level = np.sqrt(np.mean(speech[: len(speech) // frame * frame].reshape(-1, frame) ** 2, axis=1))
    cuts = [
        (begin + int(np.argmin(level[begin : begin + 50]))) * frame
        for begin in range(100, len(level) - 50, 100)
    ]
    hiss = np.random.default_rng(0).standard_normal(int(_PAUSE_S * RATE), np.float32)
    hiss *= np.float32(np.quantile(level, 0.1))
    first, *rest = np.split(speech, cuts)
    return np.concatenate([first, *(part for piece in rest for part in (hiss, piece))])


def _whispered(speech: Samples) -> Samples:
    """The spectral envelope of the speech (cepstrum up to 2 ms) on noise: no pitch is left."""
    window = np.hanning(_WINDOW)
    noise = np.random.default_rng(0).standard_normal(len(speech))
    starts = range(0, len(speech) - _WINDOW, _HOP)
    result = np.zeros(len(speech))
    for start in starts:
        here = slice(start, start + _WINDOW)
        spectrum = np.abs(np.fft.rfft(speech[here] * window))
        cepstrum = np.fft.irfft(np.log(spectrum + 1e-6))
        cepstrum[_MAX_QUEFRENCY : _WINDOW - _MAX_QUEFRENCY + 1] = 0.0
        envelope = np.exp(np.fft.rfft(cepstrum).real)
        shaped = np.fft.irfft(np.fft.rfft(noise[here] * window) * envelope)
        result[here] += window * shaped
    return np.asarray(result * np.sqrt(_power(speech) / _power(result)), np.float32)


def _tape(speech: Samples, *, factor: float) -> Samples:
    """As a tape played faster: pitch, formants and tempo times `factor`."""
    return resample(speech, round(RATE * factor), RATE)


def _child(speech: Samples, *, factor: float = 1.35) -> Samples:
    """Pitch and formants times `factor`, the tempo kept: FFmpeg's `atempo` (WSOLA)."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, graph.add("atempo", f"{1.0 / factor:.5f}"), sink).configure()
    frame = av.AudioFrame.from_ndarray(_tape(speech, factor=factor)[None], "flt", "mono")
    frame.sample_rate = RATE
    source.push(frame)
    source.push(None)
    pieces = []
    while True:
        try:
            pieces.append(sink.pull().to_ndarray()[0])
        except av.EOFError:
            return np.concatenate(pieces)


CLEAN = "clean"
CONDITIONS = {
    CLEAN: _changed(lambda speech: speech),
    **{f"noise {db} dB": _changed(partial(noisy, snr_db=db)) for db in (20, 10, 5)},
    "babble 10 dB": Condition(lambda own, others: _flac(_babble(own, others, snr_db=10))),
    **{f"room {s} s": _changed(partial(reverberant, rt60_s=s)) for s in (0.3, 0.8)},
    "music 10 dB": _changed(partial(music, snr_db=10)),
    "telephone": Condition(
        lambda own, _: by_ffmpeg(_telephone(own), 8000, "wav", "pcm_mulaw", 64_000)
    ),
    "8 kHz": Condition(lambda own, _: _flac(own, 8000)),
    "48 kHz": Condition(lambda own, _: _flac(own, 48_000)),
    "mp3 32 kbit/s": Condition(lambda own, _: by_ffmpeg(own, 44_100, "mp3", "libmp3lame", 32_000)),
    "clipped 5 %": Condition(lambda own, _: _clipped_flac(own, share=0.05)),
    "two speakers": Condition(lambda own, others: _flac(_turns(own, others))),
    "-50 dBFS": _changed(partial(_at_level, dbfs=-50)),
    "long pauses": _changed(_with_pauses),
    "whispered": _disguised(_whispered),
    "child": _disguised(_child),
    "very high": _disguised(partial(_tape, factor=2.0 ** (6 / 12))),
    "very low": _disguised(partial(_tape, factor=2.0 ** (-5 / 12))),
}
