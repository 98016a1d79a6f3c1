"""What a speaker similarity means: cosines of same and different speakers in the calibration
speech.
"""

import numpy as np

from app.assets.store import AssetStore
from app.core.config import Settings
from app.speaker.encoder import SpeakerEncoder
from bench.data import calibration, read, speakers


def main() -> None:
    """Different speakers: all pairs of the calibration clips. Same speaker: clips of the test
    speakers, and the halves of each calibration clip.
    """
    encoder = SpeakerEncoder(AssetStore(Settings().models).path("wespeaker-resnet34-lm"), threads=2)
    clips = [read(path) for path in calibration()]
    whole = np.stack([encoder.embed(clip.samples, clip.sample_rate) for clip in clips])
    different = (whole @ whole.T)[np.triu_indices(len(whole), 1)]
    halves = []
    for clip in clips:
        one, other = np.array_split(clip.samples, 2)
        halves.append(
            float(encoder.embed(one, clip.sample_rate) @ encoder.embed(other, clip.sample_rate))
        )
    same = []
    for paths in speakers().values():
        own = np.stack([encoder.embed(c.samples, c.sample_rate) for c in map(read, paths)])
        same.extend((own @ own.T)[np.triu_indices(len(own), 1)])
    print(
        f"{'pairs':34}{'n':>7}{'mean':>8}{'p1':>8}{'p5':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'p99.9':>8}"
    )
    for name, values in (
        ("different speakers", different),
        ("same speaker, halves of a clip", np.array(halves)),
        ("same speaker, other clip", np.array(same)),
    ):
        points = np.percentile(values, [1, 5, 50, 95, 99, 99.9])
        print(
            f"{name:34}{len(values):7}{values.mean():8.3f}" + "".join(f"{p:8.3f}" for p in points)
        )
    print(f"\n{'threshold':>10}{'false accepts':>16}{'false rejects, other clip':>28}")
    for threshold in np.arange(0.15, 0.70, 0.05):
        accepts, rejects = (different >= threshold).mean(), (np.array(same) < threshold).mean()
        print(f"{threshold:10.2f}{accepts:16.4%}{rejects:28.2%}")


if __name__ == "__main__":
    main()
