"""Archives of results, as nobody should send them."""

import io
import json
import struct
import tracemalloc
import wave
import zipfile

import numpy as np
import pytest

from app.core.exceptions import EngineFailed
from app.engines.azure.results import Results

RATE = 24_000


def wav(value: int, count: int = 2400) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(np.full(count, value, "<i2").tobytes())
    return file.getvalue()


def archive(files: dict[str, bytes], told: list[tuple[str, str]]) -> bytes:
    """`told`: words and name of the file of each result."""
    results = [
        {"status": "Succeeded", "contents": [words], "audioFileName": name} for words, name in told
    ]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
        made.writestr("summary.json", json.dumps({"results": results}))
    return file.getvalue()


def test_results_that_stand_elsewhere_are_not_taken_by_their_order() -> None:
    files = {"c.wav": wav(3), "b.wav": wav(2), "a.wav": wav(1)}
    told = [("C", "c.wav"), ("changed", "b.wav"), ("changed", "a.wav")]

    results = Results.read(io.BytesIO(archive(files, told)), [b"A", b"B", b"C"], RATE)

    assert results.sound(b"C") == bytes(np.full(2400, 3, "<i2"))
    assert (results.sound(b"A"), results.sound(b"B")) == (None, None)


def test_an_entry_is_not_unpacked_beyond_what_it_claims() -> None:
    content = bytearray(archive({"a.wav": bytes(64 * 2**20)}, [("A", "a.wav")]))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.find(mark) + offset
        content[at : at + 4] = struct.pack("<I", 4000)
    results = Results.read(io.BytesIO(content), [b"A"], RATE)

    tracemalloc.start()
    sound, peak = results.sound(b"A"), tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert sound is None
    assert peak < 8 * 2**20


def test_a_directory_that_needs_64_bits_is_refused() -> None:
    content = archive({"a.wav": wav(1)}, [("A", "a.wav")])
    end = content.rfind(b"PK\x05\x06")
    count, size, offset = struct.unpack("<HII", content[end + 10 : end + 20])
    sizes = (44, 45, 45, 0, 0, count, count, size, offset)
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", *sizes)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    larger = content[:end] + record + locator + content[end:]
    assert zipfile.ZipFile(io.BytesIO(larger)).namelist() == ["a.wav", "summary.json"]

    with pytest.raises(EngineFailed):
        Results.read(io.BytesIO(larger), [b"A"], RATE)
