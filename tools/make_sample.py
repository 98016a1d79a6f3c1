"""Makes the shipped sample, `app/samples/sample.flac`: `python tools/make_sample.py`.

A stock voice of Kokoro-82M (Apache-2.0) speaks it, so nobody's recording has to be licensed.
"""

import asyncio
from pathlib import Path

from app.audio.encode import encode_all
from app.audio.types import AudioFormat
from app.context import open_context
from app.core.config import Settings
from app.engines.base import SynthesisRequest
from app.engines.kokoro.voices import Blend

VOICE = Blend({"bm_george": 1.0})
TEXT = (
    "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow. "
    "The rainbow is a division of white light into many beautiful colors. "
    "These take the shape of a long round arch, with its path high above."
)
TARGET = Path("app/samples/sample.flac")
SAMPLE_RATE = 16_000


async def main() -> None:
    async with open_context(Settings(voice_engine="kokoro")) as context:
        engine = context.engine
        request = SynthesisRequest(TEXT, VOICE.to_state(engine.info.name, similarity=None))
        spoken = [chunk async for chunk in engine.synthesize(request)]
    (chunk,) = spoken
    TARGET.write_bytes(  # noqa: ASYNC240 - nothing else runs here
        encode_all(
            chunk.samples,
            AudioFormat.FLAC,
            input_rate=chunk.sample_rate,
            output_rate=SAMPLE_RATE,
        )
    )
    print(f"{TARGET}: {chunk.duration_s:.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
