"""Engines that speak in the place of the first one."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.audio.types import Recording, SpeechChunk
from app.core.exceptions import (
    AppError,
    AssetError,
    DatabaseError,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    VersionConflict,
    VoiceSuspended,
)
from app.db.base import Collection
from app.engines.base import EngineInfo, SynthesisRequest, VoiceState
from app.engines.fake import FakeEngine
from app.main import create_app
from app.models.voice import Voice
from app.services.voices import OtherEngines
from tests.api.speech import events
from tests.api.test_synthesize import said
from tests.api.voices import VOICES, settings_of, speech
from tests.conftest import registered, serving

SPEAK = "/api/v1/synthesis/speak"
STREAM = "/api/v1/synthesis/speak/stream"
ENGINES = "/api/v1/engines"
TEXT = "One is here. Two is there. Three."


class Engine(FakeEngine):
    """An engine of its own name, whose voices differ, and which can be made to fail."""

    def __init__(self, name: str, mark: bytes, **info: Any) -> None:
        self.info: EngineInfo = replace(FakeEngine.info, name=name, **info)
        self.mark = mark
        self.work()

    def work(self) -> None:
        """Fail at nothing."""
        self.fails: Callable[[str], AppError | None] = lambda _: None
        self.closed: AppError | None = None
        self.unfit: AppError | None = None
        self.forgotten: list[bytes] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None  # it is forgetting

    async def open(self) -> None:
        if self.closed is not None:
            raise self.closed

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        if self.unfit is not None:
            raise self.unfit
        state = await super().enroll(recordings)
        return replace(state, payload=self.mark + state.payload[:1])

    async def forget(self, state: VoiceState) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        self.forgotten.append(state.payload)

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        error = self.fails(request.text)
        if error is not None:
            raise error
        async for chunk in super().synthesize(request):
            yield chunk


@dataclass
class Site:
    """A server with two engines."""

    client: TestClient
    first: Engine
    second: Engine
    folder: Path
    voice: str = field(init=False)

    def __post_init__(self) -> None:
        self.voice = registered(self.client)

    def speak(self, where: str = SPEAK, **more: Any) -> httpx2.Response:
        body = {"text": TEXT, "voice": self.voice, "format": "pcm", "normalize": "off"} | more
        return self.client.post(where, json=body)

    def profile(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"{VOICES}/{self.voice}").json()
        return answer

    def states(self) -> list[str]:
        folder = self.folder / "embeddings" / self.voice
        return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


@contextmanager
def site(folder: Path, *, second: Engine | None = None, **settings: Any) -> Iterator[Site]:
    first, second = Engine("first", b"1"), second or Engine("second", b"2")
    app = create_app(settings_of(folder, **settings), engine=first, standbys=[second])
    with TestClient(app) as client:
        yield Site(client, first, second, folder)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def here(running: Site) -> Site:
    """With a new voice, and engines that work."""
    for engine in (running.first, running.second):
        engine.work()
    running.voice = registered(running.client)
    return running


def down(_: str) -> AppError:
    return EngineUnavailable("It is away.", "Wait.")


def away_at(word: str) -> Callable[[str], AppError | None]:
    return lambda text: EngineFailed("No.") if word in text else None


def marks(response: httpx2.Response) -> set[int]:
    """By which engines' voices it was said."""
    return {voice[0] for voice in said(response.content)[0]}


def test_a_new_voice_is_held_by_all_engines_and_they_are_listed(here: Site) -> None:
    listed = here.client.get(ENGINES).json()["items"]

    assert [engine["name"] for engine in listed] == ["first", "second"]
    assert (here.profile()["engine"], here.profile()["other_engines"]) == ("first", ["second"])
    assert len(here.states()) == 2


@pytest.mark.parametrize(
    "failure",
    [
        EngineUnavailable("It is away."),
        EngineFailed("No sound."),
        EngineBusy("Later.", retry_after_s=7),
        AssetError("A file is gone."),
    ],
)
def test_another_engine_speaks_where_the_first_cannot_and_it_was_asked_for(
    here: Site, failure: AppError
) -> None:
    here.first.fails = lambda _: failure

    answer = here.speak(fallback=True)

    assert answer.status_code == 200, answer.text
    assert (answer.headers["x-engine"], marks(answer)) == ("second", {ord("2")})
    assert said(answer.content)[1] == TEXT


def test_the_first_engine_speaks_while_it_can(here: Site) -> None:
    answer = here.speak(fallback=True)

    assert (answer.headers["x-engine"], marks(answer)) == ("first", {ord("1")})


def test_nobody_is_given_another_engine_unasked(here: Site) -> None:
    here.first.fails = down

    answers = [here.speak(), here.speak(fallback=False), here.speak(STREAM)]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (503, "engine-unavailable")
    ] * 3


def test_the_operator_can_allow_it_to_all_who_do_not_forbid_it(tmp_path: Path) -> None:
    with site(tmp_path, fallback="always") as here:
        here.first.fails = down

        allowed, legacy = (
            here.speak(),
            here.client.post(
                f"/voices/{here.voice}/synthesize", json={"text": TEXT, "format": "pcm"}
            ),
        )
        forbidden = here.speak(fallback=False)

    assert (allowed.headers["x-engine"], legacy.headers["x-engine"]) == ("second", "second")
    assert (forbidden.status_code, forbidden.json()["code"]) == (503, "engine-unavailable")


def test_an_engine_that_does_not_open_is_replaced_and_the_server_is_ready(tmp_path: Path) -> None:
    with site(tmp_path, fallback="always") as here:
        assert here.client.get("/health/ready").status_code == 200
    with site(tmp_path / "b", fallback="always") as here:
        here.first.closed = EngineUnavailable("It is away.")

        answer, ready = here.speak(), here.client.get("/health/ready")
        here.second.closed = EngineUnavailable("That as well.")
        both = here.speak()

    assert (answer.headers["x-engine"], ready.status_code) == ("second", 200)
    assert (both.status_code, both.json()["detail"]) == (503, "It is away.")


@pytest.mark.parametrize("where", [SPEAK, STREAM])
def test_where_all_fail_the_answer_is_the_error_of_the_first(here: Site, where: str) -> None:
    here.first.closed = EngineUnavailable("It is away.")
    here.second.fails = lambda _: EngineFailed("No sound.")

    answer = here.speak(where, fallback=True)

    assert (answer.status_code, answer.json()["detail"]) == (503, "It is away.")


def test_a_whole_file_is_spoken_by_one_engine_from_its_start(here: Site) -> None:
    here.first.fails = away_at("Three")

    answer = here.speak(fallback=True)

    assert marks(answer) == {ord("2")}
    assert said(answer.content)[1] == TEXT


@pytest.mark.parametrize("text", [TEXT, "<speak><break time='300ms'/>One is here.</speak>"])
def test_a_stream_changes_its_engine_before_the_first_sound(here: Site, text: str) -> None:
    here.first.fails = away_at("One")
    asked = {"text": None, "ssml": text} if text.startswith("<") else {"text": text}

    answer = here.speak(STREAM, fallback=True, **asked)

    assert (answer.headers["x-engine"], marks(answer)) == ("second", {ord("2")})


def test_a_stream_does_not_change_its_engine_after_it(here: Site) -> None:
    here.first.fails = away_at("Three")

    told = events(here.speak(STREAM, fallback=True, stream_format="sse").text)

    assert [name for name, _ in told] == ["audio", "audio", "error"]
    assert told[-1][1]["code"] == "engine-failed"


def test_the_events_of_a_stream_say_which_engine_spoke(here: Site) -> None:
    here.first.fails = down

    told = events(here.speak(STREAM, fallback=True, stream_format="sse").text)

    assert told[-1][0] == "done"
    assert told[-1][1]["engine"] == "second"


def test_history_and_usage_tell_of_it_once(here: Site) -> None:
    here.first.fails = down

    here.speak(fallback=True)

    history = here.client.get("/api/v1/synthesis/history", params={"voice": here.voice})
    usage = here.client.get("/api/v1/usage", params={"group_by": "voice"}).json()["items"]
    [used] = [one for one in usage if one["voice_id"] == here.voice]
    listed = history.json()["items"]
    assert [(one["engine"], one["status"]) for one in listed] == [("second", "ok")]
    assert (used["requests"], used["characters"]) == (1, len(TEXT))


def test_a_voice_without_a_state_for_the_next_engine_is_not_spoken_by_it(here: Site) -> None:
    dropped = here.client.delete(f"{VOICES}/{here.voice}/engines/second")
    here.first.fails = down

    refused = here.speak(fallback=True)
    states = here.states()
    held = here.client.put(f"{VOICES}/{here.voice}/engines/second")
    spoken = here.speak(fallback=True)

    assert (dropped.status_code, dropped.json()["other_engines"]) == (200, [])
    assert len(states) == 1
    assert (refused.status_code, refused.json()["detail"]) == (503, "It is away.")
    assert (held.status_code, held.json()["other_engines"]) == (200, ["second"])
    assert spoken.headers["x-engine"] == "second"


def test_an_engine_that_cannot_do_what_is_asked_is_passed_over(tmp_path: Path) -> None:
    mute = Engine("second", b"2", controls=frozenset({"seed"}))
    with site(tmp_path, second=mute) as here:
        here.first.fails = down

        answer = here.speak(fallback=True, speed=1.5)

    assert (answer.status_code, answer.json()["detail"]) == (503, "It is away.")


def test_what_is_wrong_with_a_request_is_told_by_the_first_engine(here: Site) -> None:
    answer = here.speak(fallback=True, text="!?", language="en-US")

    assert (answer.status_code, answer.json()["code"]) == (400, "text-unspeakable")


def test_a_voice_of_an_engine_that_is_gone_is_spoken_by_one_that_holds_it(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        voice = here.voice
    other = create_app(settings_of(tmp_path), engine=Engine("third", b"3"), standbys=[here.second])
    with TestClient(other) as client:
        body = {"text": TEXT, "voice": voice, "format": "pcm"}

        refused = client.post(SPEAK, json=body)
        spoken = client.post(SPEAK, json=body | {"fallback": True})
        batch = client.post(
            "/api/v1/synthesis/batch",
            json={"voice": voice, "fallback": True, "items": [{"text": TEXT}]},
        )
        alone = client.post(
            "/api/v1/synthesis/batch", json={"voice": voice, "items": [{"text": TEXT}]}
        )

    assert (refused.status_code, refused.json()["code"]) == (409, "voice-engine-mismatch")
    assert spoken.headers["x-engine"] == "second"
    assert (batch.status_code, alone.status_code) == (202, 400), (batch.text, alone.text)


@pytest.mark.parametrize(
    ("engine", "words"), [("nobody", "No engine 'nobody'"), ("first", "the voice's own")]
)
def test_only_engines_that_stand_by_are_given_a_voice(here: Site, engine: str, words: str) -> None:
    answer = here.client.put(f"{VOICES}/{here.voice}/engines/{engine}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
    assert words in answer.json()["detail"]
    assert len(here.states()) == 2


def test_a_voice_is_not_taken_away_from_its_own_engine(here: Site) -> None:
    own = here.client.delete(f"{VOICES}/{here.voice}/engines/first")
    none = here.client.delete(f"{VOICES}/{here.voice}/engines/nobody")

    assert (own.status_code, own.json()["code"]) == (400, "invalid-request")
    assert "the voice's own" in own.json()["detail"]
    assert (none.status_code, len(here.states())) == (200, 2)


def test_a_voice_is_made_anew_and_the_one_before_is_forgotten(here: Site) -> None:
    before = here.states()

    again = here.client.put(f"{VOICES}/{here.voice}/engines/second")

    assert again.status_code == 200
    assert (len(here.states()), len(set(before) & set(here.states()))) == (2, 1)
    assert [payload[:1] for payload in here.second.forgotten] == [b"2"]


def test_what_cannot_be_made_leaves_the_voice_as_it_was(here: Site) -> None:
    here.second.unfit = EngineFailed("It does not work.")
    before = (here.states(), here.profile()["version"])

    answer = here.client.put(f"{VOICES}/{here.voice}/engines/second")
    other = registered(here.client, hz=200.0)

    assert (answer.status_code, answer.json()["code"]) == (500, "engine-failed")
    assert (here.states(), here.profile()["version"]) == before
    assert here.client.get(f"{VOICES}/{other}").json()["other_engines"] == []


def test_a_deleted_voice_is_forgotten_by_all(here: Site) -> None:
    erased = here.client.delete(f"{VOICES}/{here.voice}").json()

    assert (erased["states"]["files"], erased["left"]) == (2, [])
    assert len(here.first.forgotten) == len(here.second.forgotten) == 1
    assert here.states() == []


def test_what_is_made_of_a_voice_while_it_is_deleted_is_forgotten_as_well(here: Site) -> None:
    async def hold() -> None:
        app: Any = here.client.app
        tools = app.state.context.voice_tools
        voice = await tools.voices.get(here.voice)
        assert voice is not None
        await OtherEngines(tools).hold(voice, "second")

    here.first.meanwhile = hold

    erased = here.client.delete(f"{VOICES}/{here.voice}").json()

    assert erased["left"] == []
    assert len(here.second.forgotten) == 2, "the one before, and the one that was made meanwhile"


class Meddled:
    """Voices whose first change does not go as it should."""

    def __init__(self, voices: Collection[Voice], fails: Callable[..., Awaitable[None]]) -> None:
        self._voices = voices
        self._fails: list[Callable[..., Awaitable[None]]] = [fails]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._voices, name)

    async def update(self, voice: Voice) -> Voice:
        if self._fails:
            await self._fails.pop()(self._voices, voice)
        return await self._voices.update(voice)


def meddled(
    here: Site, fails: Callable[..., Awaitable[None]], act: Callable[..., Awaitable[object]]
) -> None:
    """Have it done to the voice while something goes wrong with its record."""

    async def acted() -> None:
        app: Any = here.client.app
        tools = app.state.context.voice_tools
        voice = await tools.voices.get(here.voice)
        voices: Any = Meddled(tools.voices, fails)
        await act(OtherEngines(replace(tools, voices=voices)), voice, "second")

    assert here.client.portal is not None
    here.client.portal.call(acted)


async def done_and_not_told(voices: Collection[Voice], voice: Voice) -> None:
    await voices.update(voice)
    raise DatabaseError("It is away.")


async def done_and_tried_again(voices: Collection[Voice], voice: Voice) -> None:
    await voices.update(voice)
    raise VersionConflict("It is not the version that it was.")


async def suspended_meanwhile(voices: Collection[Voice], voice: Voice) -> None:
    await voices.update_where({"id": voice.id}, {"suspended": "suspended"})


def test_a_change_that_was_made_though_it_failed_takes_no_file_away(here: Site) -> None:
    with pytest.raises(DatabaseError):
        meddled(here, done_and_not_told, OtherEngines.hold)
    here.first.fails = down

    assert here.speak(fallback=True).headers["x-engine"] == "second"


def test_a_change_that_was_made_though_it_was_tried_again_counts_once(here: Site) -> None:
    before = here.states()

    meddled(here, done_and_tried_again, OtherEngines.hold)
    held, forgotten = here.states(), len(here.second.forgotten)
    meddled(here, done_and_tried_again, OtherEngines.drop)

    assert (len(held), len(set(before) & set(held)), forgotten) == (2, 1, 1)
    assert (len(here.states()), len(here.second.forgotten)) == (1, 2)


def test_nothing_is_kept_of_a_voice_that_is_suspended_meanwhile(here: Site) -> None:
    before = here.states()

    with pytest.raises(VoiceSuspended):
        meddled(here, suspended_meanwhile, OtherEngines.hold)

    assert (here.states(), len(here.second.forgotten)) == (before, 1)


def test_a_sweep_leaves_what_other_engines_hold(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        voice = here.voice
    with site(tmp_path, sweep_grace_s=0.0) as again:  # sweeps at its start
        again.first.fails = down
        again.voice = voice

        assert again.speak(fallback=True).headers["x-engine"] == "second"


def test_speech_that_is_broken_off_later_breaks_the_connection(tmp_path: Path) -> None:
    first, second = Engine("first", b"1"), Engine("second", b"2")
    first.fails = away_at("Three")
    app = create_app(settings_of(tmp_path), engine=first, standbys=[second])
    with serving(app) as client:
        body = {"text": TEXT, "voice": registered(client), "fallback": True}
        with client.stream("POST", STREAM, json=body) as response:
            assert response.status_code == 200
            with pytest.raises(httpx2.RemoteProtocolError):
                response.read()


def test_the_same_engine_twice_stops_the_start(tmp_path: Path) -> None:
    app = create_app(settings_of(tmp_path, fallback_engines="fake"), engine=Engine("fake", b"1"))

    with pytest.raises(AppError, match="stands twice"), TestClient(app):
        pass


def test_a_training_makes_a_voice_that_is_held_as_well(here: Site) -> None:
    files = [("files", ("a.wav", speech(), "audio/wav"))]

    answer = here.client.post(f"{VOICES}/train", files=files)

    assert answer.status_code == 202, answer.text
    assert answer.json()["voice"]["other_engines"] == ["second"]
