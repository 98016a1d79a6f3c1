"""How like the speakers the voices are: those that were held out, and as many that were not."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from app.audio.types import Samples
from app.engines.kokoro.eigenvoices import Eigenvoices
from app.engines.kokoro.enrolment import TRIAL_TEXT, find_voice, matched, similarity
from tools.eigenvoices.inverse import inverse_space
from tools.eigenvoices.material import Speaker, load
from tools.eigenvoices.space import principal, shares
from tools.eigenvoices.studio import Studio
from tools.eigenvoices.training import trained_space, training_record

# In no training text and not in that of the trials.
_TEXTS = (
    "Fresh bread and warm soup are all we need tonight.",
    "Could you tell me where the nearest station is?",
)
_REACHES = (1.0, 1.3)
_SHIPPED = "eigenvoices"
_COMPONENTS = 10
_FILE = "scores.json"


@dataclass(frozen=True, slots=True)
class Scores:
    """Attributes:
    speakers: of each kind. minutes: how long the map was trained.
    likeness: kind of speaker -> way -> mean cosine (WeSpeaker) with the speaker's own clip.
    components: kind of speaker -> how the variance of the voices that the map gives them
        divides among the first components.
    """

    speakers: int
    minutes: float
    likeness: dict[str, dict[str, float]]
    components: dict[str, list[float]]


def score(folder: Path, studio: Studio, *, limit: int | None) -> None:
    """Print the table and keep its numbers for `export`."""
    speakers = load(folder)
    trained = [one for one in speakers if not one.held_out]
    traits = [one.traits for one in trained]
    held_out = [one for one in speakers if one.held_out]
    space = principal(trained_space(folder, studio), traits)
    ways = {"random styles": inverse_space(folder, studio), _SHIPPED: space}
    count = min(limit or len(held_out), len(held_out), len(trained))
    likeness = {}
    for kind, people in (("held out", held_out[:count]), ("trained", _spread(trained, count))):
        rows = [_row(one, ways, studio) for one in people]
        likeness[kind] = {way: round(float(np.mean([r[way] for r in rows])), 3) for way in rows[0]}
    components = {
        kind: [round(float(share), 3) for share in shares(space, people)[:_COMPONENTS]]
        for kind, people in (("held out", [one.traits for one in held_out]), ("trained", traits))
    }
    scores = Scores(count, training_record(folder).minutes, likeness, components)
    (folder / _FILE).write_text(json.dumps(asdict(scores), indent=1) + "\n", encoding="utf-8")
    _print(scores)


def read_scores(folder: Path) -> Scores:
    try:
        kept = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"There are no scores in {folder}: run `score` first.") from None
    return Scores(**kept)


def _spread(speakers: Sequence[Speaker], count: int) -> list[Speaker]:
    """So many, from all over."""
    return [speakers[at] for at in np.linspace(0, len(speakers) - 1, count).round().astype(int)]


def _row(speaker: Speaker, ways: dict[str, Eigenvoices], studio: Studio) -> dict[str, float]:
    """Way -> mean cosine over the texts."""
    own = speaker.traits.embedding
    nearest = max(studio.stock, key=lambda voice: float(voice.embedding @ own)).name
    spoken = [studio.speak_stock(text, nearest) for text in _TEXTS]
    row = {"nearest stock voice": _likeness(speaker, spoken, studio)}
    for way, space in ways.items():
        for reach in _REACHES:
            voice = space.voice(np.asarray(reach * space.place(speaker.traits), np.float32))
            voice = matched(voice, speaker.target, studio.speak(TRIAL_TEXT, voice))
            spoken = [studio.speak(text, voice) for text in _TEXTS]
            row[f"{way}, reach {reach}"] = _likeness(speaker, spoken, studio)
    voice, _ = find_voice(speaker.target, ways[_SHIPPED], studio.encoder, studio.speak)
    spoken = [studio.speak(text, voice) for text in _TEXTS]
    row[f"{_SHIPPED}, as enrolled"] = _likeness(speaker, spoken, studio)
    print(speaker.name, *(f"{value:.2f}" for value in row.values()), flush=True)
    return row


def _likeness(speaker: Speaker, spoken: Sequence[Samples], studio: Studio) -> float:
    return float(np.mean([similarity(speaker.target, studio.encoder, one) for one in spoken]))


def _print(scores: Scores) -> None:
    print(f"\n{scores.speakers} speakers of each kind; trained for {scores.minutes} min")
    kinds = list(scores.likeness)
    print(f"{'cosine (WeSpeaker)':28}" + "".join(f"{kind:>12}" for kind in kinds))
    for way in scores.likeness[kinds[0]]:
        print(f"{way:28}" + "".join(f"{scores.likeness[kind][way]:12.3f}" for kind in kinds))
    print(f"\n{'variance by component':28}" + "".join(f"{kind:>12}" for kind in kinds))
    for at in range(_COMPONENTS):
        print(f"{at + 1:<28}" + "".join(f"{scores.components[kind][at]:12.1%}" for kind in kinds))
    first = {kind: sum(scores.components[kind]) for kind in kinds}
    print(f"{'together':28}" + "".join(f"{first[kind]:12.1%}" for kind in kinds))
