"""Adapting a voice: recordings in, checkpoints out."""

import math
import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.audio.dsp import median_pitch_hz, resample
from app.audio.types import Recording, Samples
from app.core.exceptions import UnspeakableText, UnsuitableRecording
from app.engines.base import TRAINED, TrainingEvent, TrainingOptions, VoiceState
from app.engines.kokoro.adaptation.fit import Material, Text, Whitening, fit
from app.engines.kokoro.adaptation.listeners import RATE, Ge2e, WeSpeaker
from app.engines.kokoro.adaptation.listening import spoken_language
from app.engines.kokoro.adaptation.material import Piece, make_piece, read
from app.engines.kokoro.adaptation.network import Network, fastest_dtype
from app.engines.kokoro.adaptation.objective import WINDOW, Objective
from app.engines.kokoro.enrolment import TEMPO_RANGE
from app.engines.kokoro.model import SAMPLE_RATE
from app.engines.kokoro.parameters import Parameters
from app.engines.kokoro.phonemes import Phonemizer
from app.speaker.recogniser import Recogniser, Utterance
from app.speaker.similarity import Embedding

# Speech of other words than the recordings': fitted to, and checked on.
_FREE_TEXTS = (
    "Please call Stella and ask her to wait at the door.",
    "We also need a small plastic snake and a big toy frog.",
    "The rainbow is a division of white light into many colors.",
    "My brother found five thick slabs of cheese in the kitchen.",
)
_CHECK_TEXTS = (
    "When the sunlight strikes raindrops in the air they act as a prism.",
    "Six spoons of fresh snow peas and maybe a snack for her brother.",
)
_FREE_LANGUAGE = "en-US"
_PREPARATION = 0.3  # of the time, at most
_LONGEST_PREPARATION = 0.9  # where there is hardly any time
_FINISHING = 0.08
_EXCERPT_S = 30.0
_HELD_OUT_EVERY = 5
_LEAST_HELD_OUT_S = 4.0
_WORST_COST = 6.5
_UNDERSTOOD = 0.85  # of the words
_DEFAULT_PITCH_HZ = 150.0


@dataclass(frozen=True, slots=True)
class Files:
    """Model files of adaptation."""

    network: Path
    wespeaker: Path
    ge2e: Path
    whisper: Path


@dataclass(frozen=True, slots=True)
class Served:
    """What the engine that serves the voices lends to the trainer.

    Attributes:
        speak: a text in a voice, with the network that serves; float32 (n,) at 24 kHz.
        finish: sets the pitch of a voice to the speaker's, and says how alike it is to an
            embedding, float32 (256,).
        to_state: of a voice and its likeness.
    """

    phonemizer: Phonemizer
    languages: tuple[str, ...]
    styles: np.ndarray
    start: Parameters
    speak: Callable[[str, Parameters], Samples]
    finish: Callable[[Parameters, Embedding], tuple[Parameters, float]]
    to_state: Callable[[Parameters, float | None], VoiceState]


class Trainer:
    """One training."""

    def __init__(
        self, files: Files, served: Served, *, options: TrainingOptions, threads: int
    ) -> None:
        self._began = time.monotonic()
        self._files = files
        self._served = served
        self._options = options
        self._seconds = options.minutes * 60 * (1 - _FINISHING)
        self._threads = threads
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        dtype = fastest_dtype()
        self._network = Network(files.network, threads=threads, dtype=dtype)
        self._objective = Objective(
            self._network, WeSpeaker(files.wespeaker, dtype=dtype), Ge2e(files.ge2e)
        )

    def run(self, recordings: Sequence[Recording]) -> Generator[TrainingEvent, None, None]:
        """Prepare, fit, finish.

        Raises:
            UnsuitableRecording: there is nothing in the recordings that can be fitted to.
        """
        yield self._event("listening", 0.0, "Listening to the recordings")
        pieces: list[Piece] = []
        spent = 0.0
        for piece in self._pieces(recordings):
            pieces.append(piece)
            spent = min((time.monotonic() - self._began) / self._seconds, _LONGEST_PREPARATION)
            yield self._event("aligning", spent, f"{len(pieces)} pieces of speech")
            if spent > _PREPARATION:
                break
        if not pieces:
            raise UnsuitableRecording(
                "No stretch of the recording was understood well enough to learn from.",
                "Send at least five seconds of one person speaking clearly, in sentences.",
            )
        material = self._material(pieces, recordings)
        left = max(1.0, self._seconds - (time.monotonic() - self._began))
        voices = [self._served.start]
        for check in fit(
            self._objective, material, start=self._served.start,
            whitening=Whitening(self._served.styles), seconds=left, seed=self._options.seed,
        ):  # fmt: skip
            state = None
            if check.improved:
                voices.append(check.parameters)
                state = self._served.to_state(check.parameters, None)
            message = f"step {check.step}, likeness {check.score:.2f}"
            progress = spent + (0.98 - spent) * check.progress
            yield self._event("fitting", progress, message, state=state)
        yield self._finished(voices, pieces, material.judge.wespeaker.numpy())

    def _finished(
        self, voices: Sequence[Parameters], pieces: Sequence[Piece], judge: Embedding
    ) -> TrainingEvent:
        """The last voice that is understood as well as it should be, at the speaker's tempo."""
        recogniser = self._recogniser()
        for parameters in reversed(voices):
            voice, likeness = self._served.finish(self._in_tempo(parameters, pieces), judge)
            if self._is_understood(voice, recogniser):
                break
        state = self._served.to_state(voice, likeness)
        return replace(self._event(TRAINED, 1.0, "Adapted", state=state), similarity=likeness)

    def _is_understood(self, voice: Parameters, recogniser: Recogniser) -> bool:
        said = heard = 0
        for text in _CHECK_TEXTS:
            spoken = Recording(self._served.speak(text, voice), SAMPLE_RATE)
            words = _words(text)
            transcript = _words(recogniser.transcript(spoken, _FREE_LANGUAGE[:2]))
            blocks = SequenceMatcher(None, words, transcript).get_matching_blocks()
            said += len(words)
            heard += sum(block.size for block in blocks)
        return heard >= _UNDERSTOOD * said

    @torch.no_grad()
    def _in_tempo(self, parameters: Parameters, pieces: Sequence[Piece]) -> Parameters:
        """The voice as fast as the speaker, by the durations of the same phonemes."""
        style = torch.from_numpy(parameters.style)[None, 128:]
        own = sum(float(self._network.prosody(p.den, style)[1][1:-1].sum()) for p in pieces)
        speaker = sum(float(piece.durations[1:-1].sum()) for piece in pieces)
        return replace(parameters, speed=round(float(np.clip(own / speaker, *TEMPO_RANGE)), 3))

    def _recogniser(self) -> Recogniser:
        """Loaded when it is needed: 0.3 GB that the fitting can do without."""
        return Recogniser(self._files.whisper, threads=self._threads)

    def _event(
        self, stage: str, progress: float, message: str, *, state: VoiceState | None = None
    ) -> TrainingEvent:
        elapsed = time.monotonic() - self._began
        return TrainingEvent(stage, min(progress, 1.0), message, elapsed, state=state)

    def _pieces(self, recordings: Sequence[Recording]) -> Generator[Piece, None, None]:
        """Aligned speech, from all over the recordings."""
        recogniser = self._recogniser()
        language = spoken_language(recogniser, recordings[0], self._served.languages)
        pitch = _pitch(recordings)
        style = torch.from_numpy(self._served.start.style.copy())[None]
        for excerpt in self._excerpts(recordings):
            for utterance in recogniser.utterances(excerpt, language.partition("-")[0]):
                tokens = self._tokens(utterance, language)
                if tokens is None:
                    continue
                piece = make_piece(
                    self._network, utterance, tokens=tokens, style=style, pitch_hz=pitch
                )
                if piece and piece.frames >= WINDOW and piece.cost < _WORST_COST:
                    yield piece

    def _excerpts(self, recordings: Sequence[Recording]) -> list[Recording]:
        """Stretches of the recordings in random order: of long ones not all is heard."""
        found = []
        for recording in recordings:
            count = max(1, math.ceil(recording.duration_s / _EXCERPT_S))
            found += [
                replace(recording, samples=part)
                for part in np.array_split(recording.samples, count)
            ]
        order = np.random.default_rng(self._options.seed).permutation(len(found))
        return [found[at] for at in order]

    def _tokens(self, utterance: Utterance, language: str) -> list[int] | None:
        try:
            phonemes = self._served.phonemizer.phonemize(utterance.text, language)
            return self._served.phonemizer.tokens(phonemes)
        except UnspeakableText:
            return None

    def _material(self, pieces: Sequence[Piece], recordings: Sequence[Recording]) -> Material:
        held = pieces[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]
        if sum(len(piece.speech) for piece in held) >= _LEAST_HELD_OUT_S * SAMPLE_RATE:
            fitted = [piece for at, piece in enumerate(pieces, 1) if at % _HELD_OUT_EVERY]
            person, judge = (self._objective.listen(_speech(some)) for some in (fitted, held))
        else:
            fitted = list(pieces)
            heard = [torch.from_numpy(resample(r.samples, r.sample_rate, RATE)) for r in recordings]
            person = judge = self._objective.listen(torch.cat(heard))
        return Material(
            pieces=fitted, person=person, judge=judge,
            texts=[self._text(text, _pitch(recordings)) for text in _FREE_TEXTS],
            check_texts=[self._text(text, _pitch(recordings)) for text in _CHECK_TEXTS],
        )  # fmt: skip

    def _text(self, text: str, pitch_hz: float) -> Text:
        tokens = self._served.phonemizer.tokens(
            self._served.phonemizer.phonemize(text, _FREE_LANGUAGE)
        )
        ten, f0, energy, _ = read(
            self._network, tokens, torch.from_numpy(self._served.start.style.copy())[None]
        )
        voiced = f0 > 20.0
        ratio = pitch_hz / float(f0[voiced].median()) if voiced.any() else 1.0
        return Text(ten, torch.where(voiced, f0 * ratio, f0), energy)


def _speech(pieces: Sequence[Piece]) -> Tensor:
    """At 16 kHz."""
    samples = torch.cat([piece.speech for piece in pieces]).numpy()
    return torch.from_numpy(resample(samples, SAMPLE_RATE, RATE))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _pitch(recordings: Sequence[Recording]) -> float:
    found = [median_pitch_hz(r.samples, r.sample_rate) for r in recordings]
    known = [pitch for pitch in found if pitch]
    return float(np.median(known)) if known else _DEFAULT_PITCH_HZ
