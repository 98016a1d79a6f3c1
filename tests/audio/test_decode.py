import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.audio.decode import DecodeLimits, decode
from app.audio.encode import encode_all
from app.audio.types import AudioFormat
from app.core.exceptions import AppError, RecordingTooLong, UnreadableAudio, UploadTooLarge
from tests.audio.signals import encoded, noise, snr_db, tone

LIMITS = DecodeLimits(max_bytes=20_000_000, max_seconds=30)

UPLOADS = {
    "wav": ("wav", "pcm_s16le", 24000),
    "wav-24-bit": ("wav", "pcm_s24le", 44100),
    "wav-float": ("wav", "pcm_f32le", 48000),
    "wav-8-bit": ("wav", "pcm_u8", 16000),
    "mp3": ("mp3", "libmp3lame", 44100),
    "m4a": ("ipod", "aac", 44100),
    "aac": ("adts", "aac", 48000),
    "ogg-opus": ("ogg", "libopus", 48000),
    "webm-opus": ("webm", "libopus", 48000),
    "flac": ("flac", "flac", 22050),
    "flac-96k": ("flac", "flac", 96000),
}


def wav(
    samples: np.ndarray, rate: int = 16000, *, channels: int = 1, size: int | None = None
) -> bytes:
    """A 16-bit or float WAV by hand, also an impossible one."""
    body = samples.tobytes()
    width = samples.dtype.itemsize
    kind = 3 if samples.dtype.kind == "f" else 1
    form = struct.pack(
        "<HHIIHH", kind, channels, rate, rate * channels * width, channels * width, 8 * width
    )
    data = struct.pack("<4sI", b"data", len(body) if size is None else size) + body
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


@pytest.mark.parametrize("name", UPLOADS)
def test_upload_keeps_rate_length_and_sound(name):
    container, codec, rate = UPLOADS[name]
    source = tone(2.0, rate)
    decoded = decode(encoded(source, rate, container=container, codec=codec), LIMITS)
    assert decoded.sample_rate == rate
    assert decoded.channels == 1
    assert decoded.samples.dtype == np.float32
    assert decoded.duration_s == pytest.approx(2.0, abs=0.06)
    # ADTS has no field for the delay of the encoder.
    shift = 1200 if name == "aac" else 0
    assert snr_db(source, decoded.samples, max_shift=shift) > 18


def test_codec_is_reported_by_its_common_name():
    source = tone(1.0, 44100)
    assert (
        decode(encoded(source, 44100, container="mp3", codec="libmp3lame"), LIMITS).codec == "mp3"
    )
    assert (
        decode(encoded(source, 44100, container="wav", codec="pcm_s16le"), LIMITS).codec
        == "pcm_s16le"
    )


def test_stereo_is_averaged_and_cannot_clip():
    both = np.stack([tone(1.0, level=1.0), tone(1.0, level=1.0)])
    decoded = decode(encoded(both, 24000, container="wav", codec="pcm_s16le"), LIMITS)
    assert decoded.channels == 2
    assert snr_db(both[0], decoded.samples) > 80


def test_one_silent_channel_halves_the_level():
    left = np.stack([tone(1.0), np.zeros(24000, np.float32)])
    decoded = decode(encoded(left, 24000, container="flac", codec="flac"), LIMITS)
    assert snr_db(left[0] / 2, decoded.samples) > 70


@pytest.mark.parametrize(
    ("container", "codec", "floor_db"),
    [("wav", "pcm_s16le", 60), ("flac", "flac", 60), ("ipod", "aac", 5), ("ogg", "libopus", 15)],
)
def test_eight_channels_are_mixed(container, codec, floor_db):
    # AAC is lower, as one of the eight is for bass only there.
    source = np.stack([tone(1.0, 48000, hz=200.0 * (i + 1), level=0.9) for i in range(8)])
    decoded = decode(encoded(source, 48000, container=container, codec=codec), LIMITS)
    assert decoded.channels == 8
    assert decoded.duration_s == pytest.approx(1.0, abs=0.05)
    assert snr_db(source.mean(axis=0), decoded.samples) > floor_db


@pytest.mark.parametrize("channels", range(1, 9))
def test_any_number_of_channels_without_named_places_is_mixed(channels):
    source = np.repeat((tone(1.0, 16000) * 32767).astype(np.int16), channels)
    decoded = decode(wav(source, channels=channels), LIMITS)
    assert decoded.channels == channels
    assert snr_db(tone(1.0, 16000), decoded.samples) > 60


def test_nine_channels_are_refused():
    content = wav(np.zeros(16000 * 9, np.int16), channels=9)
    with pytest.raises(UnreadableAudio, match="9 channels"):
        decode(content, LIMITS)


def test_zero_channels_are_refused():
    with pytest.raises(UnreadableAudio):
        decode(wav(np.zeros(16000, np.int16), channels=0), LIMITS)


@pytest.mark.parametrize("rate", [0, 1, 2000, 500_000, 2**32 - 1])
def test_absurd_sample_rate_is_refused(rate):
    content = bytearray(wav(np.zeros(16000, np.int16)))
    content[24:28] = struct.pack("<I", rate)
    with pytest.raises(UnreadableAudio):
        decode(bytes(content), LIMITS)


def test_rate_above_96_khz_is_brought_down_to_it():
    source = tone(1.0, 192000)
    decoded = decode(encoded(source, 192000, container="flac", codec="flac"), LIMITS)
    assert decoded.sample_rate == 96000
    assert snr_db(tone(1.0, 96000), decoded.samples) > 60


def test_joined_streams_of_different_rates_keep_the_first_rate():
    first = encode_all(tone(1.0), AudioFormat.AAC, input_rate=24000, output_rate=24000)
    second = encode_all(tone(1.0), AudioFormat.AAC, input_rate=24000, output_rate=48000)
    decoded = decode(first + second, LIMITS)
    assert decoded.sample_rate == 24000
    assert decoded.duration_s == pytest.approx(2.0, abs=0.15)


def test_empty_upload_is_refused():
    with pytest.raises(UnreadableAudio, match="empty"):
        decode(b"", LIMITS)


def test_text_named_wav_is_refused_and_accepted_formats_are_named():
    with pytest.raises(UnreadableAudio) as caught:
        decode(b"This is a letter, not a recording.\n" * 200, LIMITS)
    assert "WAV" in (caught.value.suggestion or "")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        b"RIFF\x24\x00\x00\x00WAVE",
        b"\x00" * 5000,
        bytes(noise(1.0).tobytes()),
    ],
    ids=["hls", "concat", "bare-header", "zeros", "noise-bytes"],
)
def test_playlists_and_rubbish_are_refused(content):
    with pytest.raises(UnreadableAudio):
        decode(content, LIMITS)


def test_unknown_codec_is_refused():
    content = bytearray(wav(np.zeros(16000, np.int16)))
    content[20:22] = b"\x34\x12"
    with pytest.raises(UnreadableAudio):
        decode(bytes(content), LIMITS)


def test_file_without_samples_is_refused():
    with pytest.raises(UnreadableAudio):
        decode(wav(np.zeros(0, np.int16)), LIMITS)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad):
    samples = tone(1.0, 16000)
    samples[8000] = bad
    with pytest.raises(UnreadableAudio, match="not numbers"):
        decode(wav(samples), LIMITS)


def test_float_file_over_full_scale_is_turned_down_not_clipped():
    source = tone(1.0, 16000, level=3.0)
    decoded = decode(wav(source), LIMITS)
    assert np.abs(decoded.samples).max() == pytest.approx(1.0)
    assert snr_db(source / 3.0, decoded.samples) > 80


def test_too_many_bytes_are_refused_before_decoding():
    with pytest.raises(UploadTooLarge) as caught:
        decode(b"x" * 101, DecodeLimits(max_bytes=100, max_seconds=1))
    assert caught.value.extra == {"measured": 101, "limit": 100}


def test_recording_over_the_limit_is_refused_and_says_by_how_much():
    content = encoded(tone(3.0), 24000, container="wav", codec="pcm_s16le")
    with pytest.raises(RecordingTooLong) as caught:
        decode(content, DecodeLimits(max_bytes=10**7, max_seconds=2))
    assert caught.value.extra["limit"] == 2
    assert caught.value.extra["measured"] > 2


def test_recording_of_exactly_the_limit_is_taken():
    content = encoded(tone(2.0), 24000, container="wav", codec="pcm_s16le")
    assert decode(content, DecodeLimits(max_bytes=10**7, max_seconds=2)).duration_s == 2.0


@pytest.mark.services
def test_one_hour_of_silence_in_a_small_flac_stops_early_with_flat_memory():
    hour = np.zeros(3600 * 16000, np.float32)
    content = encode_all(hour, AudioFormat.FLAC, input_rate=16000, output_rate=16000)
    del hour
    assert len(content) < 1_000_000
    tracemalloc.start()
    with pytest.raises(RecordingTooLong) as caught:
        decode(content, LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.extra["measured"] < 31
    assert peak < 8_000_000  # 30 s at 16 kHz are 2 MB


def test_lying_header_does_not_decide_the_length():
    content = wav((tone(1.0, 16000) * 32767).astype(np.int16), size=0xFFFFFFFF)
    assert decode(content, LIMITS).duration_s == pytest.approx(1.0)


def test_truncated_m4a_is_refused():
    content = encoded(tone(3.0, 44100), 44100, container="ipod", codec="aac")
    with pytest.raises(UnreadableAudio):
        decode(content[: len(content) // 2], LIMITS)


@pytest.mark.parametrize("name", ["wav", "mp3", "ogg-opus", "webm-opus", "flac", "aac"])
def test_truncated_upload_gives_the_part_that_is_there(name):
    container, codec, rate = UPLOADS[name]
    content = encoded(noise(4.0, rate), rate, container=container, codec=codec)
    decoded = decode(content[: len(content) // 2], LIMITS)
    assert 0.8 < decoded.duration_s < 3.2


def test_damaged_packets_in_the_middle_leave_the_rest():
    content = bytearray(encoded(noise(4.0, 44100), 44100, container="mp3", codec="libmp3lame"))
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\x55" * 2000
    assert decode(bytes(content), LIMITS).duration_s > 3.0


def test_video_is_not_touched_and_its_sound_is_read():
    assert decode(_webm_with_picture(), LIMITS).duration_s == pytest.approx(1.0, abs=0.05)


def _webm_with_picture() -> bytes:
    from io import BytesIO

    import av

    file = BytesIO()
    with av.open(file, "w", format="matroska") as output:
        picture = output.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = output.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1.0, 48000)[None], "fltp", "mono")
        frame.sample_rate, frame.pts = 48000, 0
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        image.pts = 0
        output.mux(picture.encode(image))
        output.mux(picture.encode(None))
        output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    return file.getvalue()


SEEDS = [
    encoded(tone(0.3, rate), rate, container=container, codec=codec)
    for container, codec, rate in (
        UPLOADS[n] for n in ("wav", "mp3", "m4a", "ogg-opus", "webm-opus", "flac")
    )
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(range(len(SEEDS))),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12
    ),
    head=st.booleans(),
    cut=st.floats(0.05, 1),
)
@example(seed=0, changes=[(0.2, b"\xff" * 8)], head=True, cut=1.0)
def test_corrupted_bytes_are_decoded_or_refused_never_more(seed, changes, head, cut):
    content = bytearray(SEEDS[seed])
    span = 256 if head else len(content)  # headers are where files can lie
    for place, data in changes:
        at = int(place * (span - 1))
        content[at : at + len(data)] = data
    content = content[: max(1, int(len(content) * cut))]
    try:
        decoded = decode(bytes(content), DecodeLimits(max_bytes=10**6, max_seconds=5))
    except AppError:
        return
    assert len(decoded.samples) > 0
    assert np.abs(decoded.samples).max() <= 1.0
