"""Measures the stock voices of Kokoro-82M: `python tools/measure_stock_voices.py`.

Each voice speaks two sentences; its speaker embedding and median pitch go to
`app/engines/kokoro/stock_voices.json`, where instant cloning looks for the voices nearest to a
speaker. Derived from Kokoro-82M (Apache-2.0) and WeSpeaker ResNet34-LM (CC BY 4.0).
"""

import json
from pathlib import Path

import numpy as np

from app.assets.store import AssetStore
from app.audio.dsp import median_pitch_hz
from app.core.config import Settings
from app.engines.kokoro.model import SAMPLE_RATE, KokoroModel
from app.engines.kokoro.phonemes import Phonemizer
from app.engines.kokoro.voices import Blend, Styles
from app.speaker.encoder import SpeakerEncoder

TEXTS = (
    "The weather forecast says it will rain all afternoon, so take an umbrella.",
    "Please call Stella and ask her to bring these things with her from the store.",
)
# In the order of the file, which is alphabetical.
NAMES = [
    "af_alloy",
    "af_aoede",
    "af_bella",
    "af_heart",
    "af_jessica",
    "af_kore",
    "af_nicole",
    "af_nova",
    "af_river",
    "af_sarah",
    "af_sky",
    "am_adam",
    "am_echo",
    "am_eric",
    "am_fenrir",
    "am_liam",
    "am_michael",
    "am_onyx",
    "am_puck",
    "am_santa",
    "bf_alice",
    "bf_emma",
    "bf_isabella",
    "bf_lily",
    "bm_daniel",
    "bm_fable",
    "bm_george",
    "bm_lewis",
    "ef_dora",
    "em_alex",
    "em_santa",
    "ff_siwis",
    "hf_alpha",
    "hf_beta",
    "hm_omega",
    "hm_psi",
    "if_sara",
    "im_nicola",
    "jf_alpha",
    "jf_gongitsune",
    "jf_nezumi",
    "jf_tebukuro",
    "jm_kumo",
    "pf_dora",
    "pm_alex",
    "pm_santa",
    "zf_xiaobei",
    "zf_xiaoni",
    "zf_xiaoxiao",
    "zf_xiaoyi",
    "zm_yunjian",
    "zm_yunxi",
    "zm_yunxia",
    "zm_yunyang",
]
TARGET = Path("app/engines/kokoro/stock_voices.json")


def main() -> None:
    assets = AssetStore(Settings().models)
    model = KokoroModel(assets.verified_path("kokoro-int8"), threads=2)
    encoder = SpeakerEncoder(assets.verified_path("wespeaker-resnet34-lm"), threads=2)
    styles = Styles(assets.verified_path("kokoro-voices"), NAMES)
    phonemizer = Phonemizer()
    texts = [phonemizer.tokens(phonemizer.phonemize(text, "en-US")) for text in TEXTS]
    voices = {}
    for name in NAMES:
        blend = Blend({name: 1.0})
        spoken = [model.run(tokens, styles.style(blend, len(tokens))).samples for tokens in texts]
        embedding = np.mean([encoder.embed(samples, SAMPLE_RATE) for samples in spoken], axis=0)
        embedding /= np.linalg.norm(embedding)
        pitch = median_pitch_hz(np.concatenate(spoken), SAMPLE_RATE)
        if pitch is None:
            raise SystemExit(f"{name} has no pitch.")
        voices[name] = {
            "pitch_hz": round(pitch, 1),
            "embedding": [round(float(value), 4) for value in embedding],
        }
        print(name, voices[name]["pitch_hz"])
    lines = ",\n".join(f'  "{name}": {json.dumps(voice)}' for name, voice in voices.items())
    about = {
        "origin": "tools/measure_stock_voices.py",
        "licence": "derived from Kokoro-82M (Apache-2.0) and WeSpeaker ResNet34-LM (CC BY 4.0)",
        "texts": TEXTS,
    }
    head = json.dumps(about, indent=1)[:-2]
    TARGET.write_text(f'{head},\n "voices": {{\n{lines}\n }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
