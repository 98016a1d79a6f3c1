import struct

import numpy as np
import pytest

from app.audio.decode import DecodeLimits, decode
from app.audio.encode import (
    AudioEncoder,
    check_rate,
    content_type,
    encode_all,
    file_extension,
    mulaw,
    to_int16,
)
from app.audio.types import AudioFormat, Samples
from app.core.exceptions import UnsupportedFormat
from tests.audio.signals import noise, snr_db, tone, vowel

NATIVE = 24000
LIMITS = DecodeLimits(max_bytes=10**7, max_seconds=60)
# Delay of the encoder, in s, where the format cannot tell the player to skip it.
DELAY_S = {AudioFormat.AAC: 0.13, AudioFormat.MP3: 0.1}


def stream(
    samples: Samples, fmt: AudioFormat, rate: int, *, chunk: int = 2400, streaming: bool = True
) -> list[bytes]:
    """What each chunk gave, and the end."""
    with AudioEncoder(fmt, input_rate=NATIVE, output_rate=rate, streaming=streaming) as encoder:
        parts = [encoder.encode(samples[i : i + chunk]) for i in range(0, len(samples), chunk)]
        return [*parts, encoder.finish()]


def read(content: bytes, fmt: AudioFormat, rate: int) -> tuple[Samples, int]:
    """Samples and rate, also of headerless formats."""
    if fmt is AudioFormat.PCM:
        return np.frombuffer(content, "<i2").astype(np.float32) / 32768, rate
    if fmt is AudioFormat.MULAW:
        return expanded(np.frombuffer(content, np.uint8)), rate
    decoded = decode(content, LIMITS)
    return decoded.samples, decoded.sample_rate


def expanded(codes: np.ndarray) -> Samples:
    """Mu-law to linear, by the decoder's side of G.711."""
    code = ~codes & 0xFF
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 132 << ((code >> 4) & 7)) - 132
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768).astype(np.float32)


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("fmt", AudioFormat)
def test_every_format_gives_back_the_sound(fmt, streaming):
    rate = check_rate(fmt, None, NATIVE)
    content = b"".join(stream(tone(2.0), fmt, rate, streaming=streaming))
    samples, got = read(content, fmt, rate)
    assert got == (48000 if fmt is AudioFormat.OPUS else rate)  # Opus always decodes to 48 kHz
    assert len(samples) / got == pytest.approx(2.0, abs=DELAY_S.get(fmt, 0.001))
    shift = round(DELAY_S.get(fmt, 0) * got)
    assert snr_db(tone(2.0, got), samples, max_shift=shift) > 20


@pytest.mark.parametrize("fmt", [AudioFormat.WAV, AudioFormat.FLAC, AudioFormat.PCM])
def test_lossless_formats_are_exact_to_the_bit(fmt):
    source = noise(1.0)
    samples, _ = read(encode_all(source, fmt, input_rate=NATIVE, output_rate=NATIVE), fmt, NATIVE)
    np.testing.assert_array_equal(samples, to_int16(source) / np.float32(32768))


@pytest.mark.parametrize("fmt", AudioFormat)
def test_streaming_gives_bytes_with_the_first_tenth_of_a_second(fmt):
    rate = check_rate(fmt, None, NATIVE)
    parts = stream(vowel(1.0), fmt, rate)
    assert len(parts[0]) > 0
    # And goes on giving, rather than all at the end.
    assert len(parts[-1]) < sum(map(len, parts)) / 2


@pytest.mark.parametrize("fmt", AudioFormat)
def test_whole_file_comes_at_the_end(fmt):
    parts = stream(tone(0.5), fmt, check_rate(fmt, None, NATIVE), streaming=False)
    assert not any(parts[:-1])
    assert parts[-1]


@pytest.mark.parametrize("rate", [24000, 16000])
def test_whole_wav_header_is_exact(rate):
    content = encode_all(tone(1.5), AudioFormat.WAV, input_rate=NATIVE, output_rate=rate)
    riff, size, wave = struct.unpack_from("<4sI4s", content)
    assert (riff, size, wave) == (b"RIFF", len(content) - 8, b"WAVE")
    assert struct.unpack_from("<4sIHHIIHH", content, 12) == (
        b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16,
    )  # fmt: skip
    assert struct.unpack_from("<4sI", content, 36) == (b"data", len(content) - 44)
    assert len(content) - 44 == pytest.approx(3 * rate, abs=4)


def test_streamed_wav_header_leaves_the_length_open():
    header = stream(tone(0.5), AudioFormat.WAV, NATIVE)[0]
    assert struct.unpack_from("<4sI", header) == (b"RIFF", 0xFFFFFFFF)
    assert struct.unpack_from("<4sI", header, 36) == (b"data", 0xFFFFFFFF)


def test_whole_flac_header_has_the_number_of_samples():
    content = encode_all(tone(1.5), AudioFormat.FLAC, input_rate=NATIVE, output_rate=NATIVE)
    assert int.from_bytes(content[21:26], "big") & 0xFFFFFFFFF == 36000  # 36 bits of STREAMINFO


def test_whole_mp3_says_its_length_and_streamed_mp3_starts_with_sound():
    whole = encode_all(tone(1.0), AudioFormat.MP3, input_rate=NATIVE, output_rate=NATIVE)
    assert b"Xing" in whole[:200] or b"Info" in whole[:200]
    streamed = b"".join(stream(tone(1.0), AudioFormat.MP3, NATIVE))
    assert streamed[0] == 0xFF
    assert streamed[1] & 0xE0 == 0xE0
    assert b"Xing" not in streamed
    assert b"Info" not in streamed


@pytest.mark.parametrize("fmt", AudioFormat)
def test_same_samples_give_the_same_bytes(fmt):
    rate = check_rate(fmt, None, NATIVE)
    first, second = (encode_all(vowel(0.5), fmt, input_rate=NATIVE, output_rate=rate) for _ in "ab")
    assert first == second


@pytest.mark.parametrize("chunk", [1, 777, 2400, 11111])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_joins_between_chunks_are_seamless_at_a_resampled_rate(chunk, rate):
    source = vowel(0.6)
    pieces = b"".join(stream(source, AudioFormat.PCM, rate, chunk=chunk))
    single = b"".join(stream(source, AudioFormat.PCM, rate, chunk=len(source)))
    pieces, single = (np.frombuffer(b, "<i2").astype(int) for b in (pieces, single))
    assert len(pieces) == len(single) == pytest.approx(0.6 * rate, abs=2)
    assert np.abs(pieces - single).max() <= 1


def test_downsampling_does_not_alias():
    high = tone(1.0, hz=6000.0)  # does not exist at 8 kHz
    content = encode_all(high, AudioFormat.PCM, input_rate=NATIVE, output_rate=8000)
    assert np.abs(np.frombuffer(content, "<i2")[400:-400]).max() < 5


def test_samples_over_full_scale_are_clipped_not_wrapped():
    loud = np.array([2.0, 1.0, 0.99999, -1.0, -2.0, 0.0], np.float32)
    assert to_int16(loud).tolist() == [32767, 32767, 32767, -32768, -32768, 0]


def test_conversion_rounds_to_nearest():
    assert to_int16(np.array([0.6, -0.6, 0.4], np.float32) / 32768).tolist() == [1, -1, 0]


def test_mulaw_follows_g711():
    every = np.arange(-32768, 32768, dtype=np.int64).astype(np.int16)
    codes = mulaw(every)
    linear = np.asarray(expanded(codes) * 32768, np.int64)
    assert mulaw(np.array([0, -1, 32767, -32768], np.int16)).tolist() == [0xFF, 0x7F, 0x80, 0x00]
    # Each code stands for its own value, and errors stay within half a step.
    assert np.array_equal(mulaw(linear.astype(np.int16)) & 0x7F, codes & 0x7F)
    step = 8 << np.clip((~codes >> 4) & 7, 0, 7).astype(np.int64)
    inside = np.abs(every.astype(np.int64)) <= 32635
    assert np.all(np.abs(linear - every)[inside] <= (step // 2)[inside])


@pytest.mark.parametrize("fmt", AudioFormat)
def test_encoder_can_be_abandoned_at_any_time(fmt):
    for given in (0, 100, 5000):
        encoder = AudioEncoder(fmt, input_rate=NATIVE, output_rate=8000, streaming=True)
        encoder.encode(tone(1.0)[:given])
        encoder.close()
        encoder.close()


@pytest.mark.parametrize("fmt", AudioFormat)
def test_nothing_encoded_is_no_error(fmt):
    with AudioEncoder(fmt, input_rate=NATIVE, output_rate=8000, streaming=False) as encoder:
        encoder.finish()


RATES = [
    (fmt, rate)
    for fmt in (AudioFormat.OPUS, AudioFormat.MP3, AudioFormat.AAC)
    for rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
] + [
    (fmt, 12345) for fmt in (AudioFormat.WAV, AudioFormat.FLAC, AudioFormat.PCM, AudioFormat.MULAW)
]


@pytest.mark.parametrize(("fmt", "rate"), RATES)
def test_rate_that_passes_the_check_can_be_written(fmt, rate):
    try:
        assert check_rate(fmt, rate, NATIVE) == rate
    except UnsupportedFormat:
        assert fmt is AudioFormat.OPUS
        return
    content = encode_all(vowel(0.5), fmt, input_rate=NATIVE, output_rate=rate)
    samples, got = read(content, fmt, rate)
    assert got == (48000 if fmt is AudioFormat.OPUS else rate)
    assert len(samples) / got == pytest.approx(0.5, abs=0.3)


def test_default_rate_is_that_of_the_engine():
    assert check_rate(AudioFormat.WAV, None, 24000) == 24000
    assert check_rate(AudioFormat.MP3, None, 24000) == 24000
    assert check_rate(AudioFormat.OPUS, None, 22050) == 24000
    assert check_rate(AudioFormat.WAV, None, 96000) == 48000
    assert check_rate(AudioFormat.MULAW, None, 24000) == 8000


def test_unknown_rate_is_refused_and_allowed_rates_are_named():
    with pytest.raises(UnsupportedFormat) as caught:
        check_rate(AudioFormat.OPUS, 44100, NATIVE)
    assert caught.value.extra["allowed"] == [8000, 12000, 16000, 24000, 48000]
    assert "12000" in (caught.value.suggestion or "")
    for rate in (7999, 48001, 0, -1):
        with pytest.raises(UnsupportedFormat) as caught:
            check_rate(AudioFormat.WAV, rate, NATIVE)
        assert caught.value.extra["allowed"] == {"minimum": 8000, "maximum": 48000}


def test_content_types_name_what_the_bytes_do_not_say():
    assert content_type(AudioFormat.PCM, 24000) == "audio/pcm;rate=24000;channels=1;encoding=s16le"
    assert content_type(AudioFormat.MULAW, 8000) == "audio/basic"
    assert content_type(AudioFormat.MULAW, 16000) == "audio/x-mulaw;rate=16000"
    assert {content_type(fmt, 24000).split("/")[0] for fmt in AudioFormat} == {"audio"}
    assert file_extension(AudioFormat.OPUS) == "ogg"
    assert file_extension(AudioFormat.WAV) == "wav"
