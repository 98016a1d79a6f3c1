"""The command line, as a shell sees it: what is printed where, and the exit status."""

import json
import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import av
import pytest

from app.assets.manifest import load_manifest
from app.engines.fake import read_back
from tests.audio.signals import model_file, read_pcm
from tests.cli.conftest import Outcome
from tests.conftest import recording

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")


def seconds_of(content: bytes) -> tuple[str, float]:
    """Codec and length."""
    with av.open(BytesIO(content)) as container:
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        return stream.codec_context.name, samples / stream.rate


def test_clone_prints_nothing_but_the_id(run, tmp_path):
    file = tmp_path / "my recording [b].wav"
    file.write_bytes(recording())

    outcome = run("clone", str(file))

    assert outcome.status == 0
    assert ID.fullmatch(outcome.text)
    assert "my recording [b]" in outcome.stderr


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("MP3", "mp3float"),
        ("flac", "flac"),
        ("ogg", "opus"),
        ("opus", "opus"),
        ("aac", "aac"),
    ],
)
def test_say_writes_the_format_of_the_files_ending(run, clone, tmp_path, ending, codec):
    file = tmp_path / f"said.{ending}"

    outcome = run("say", clone(), "Hello, this is a test.", "-o", str(file))

    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout == b""
    assert str(file) in outcome.stderr
    got, seconds = seconds_of(file.read_bytes())
    assert got == codec
    assert 0.5 < seconds < 3


def test_format_goes_before_the_ending(run, clone, tmp_path):
    file = tmp_path / "said.data"

    outcome = run("say", clone(), "Hello.", "-o", str(file), "--format", "flac")

    assert outcome.status == 0, outcome.stderr
    assert seconds_of(file.read_bytes())[0] == "flac"


def test_without_a_file_it_is_written_beside_the_caller(run, clone, tmp_path, monkeypatch):
    voice = clone()
    monkeypatch.chdir(tmp_path)

    assert run("say", voice, "Hello.").status == 0

    assert seconds_of((tmp_path / "speech.wav").read_bytes())[0] == "pcm_s16le"


def test_say_streams_to_standard_output_and_prints_nothing_else_there(run, clone):
    text = "First one. Then two. And a third."

    outcome = run("say", clone(), text, "-o", "-", "--format", "pcm")

    assert outcome.status == 0
    assert " ".join(said for _, said in read_back(read_pcm(outcome.stdout))) == text


def test_a_streamed_wav_can_be_decoded(run, clone):
    outcome = run("say", clone(), "Hello.", "-o", "-")

    assert seconds_of(outcome.stdout)[0] == "pcm_s16le"


def test_the_text_may_come_from_standard_input(run, clone):
    text = "Zoë says: “hello”."

    outcome = run("say", clone(), "-", "-o", "-", "--format", "pcm", stdin=(text + "\n").encode())

    assert outcome.status == 0
    assert read_back(read_pcm(outcome.stdout))[0][1] == text


def test_a_voice_is_found_by_its_name(run, clone, tmp_path):
    clone("--name", "Anna", hz=100.0)
    clone("--name", "Ben", hz=200.0)

    heard = [
        read_back(read_pcm(run("say", name, "Hi.", "-o", "-", "--format", "pcm").stdout))[0]
        for name in ("Anna", "Ben")
    ]

    assert heard[0][0] != heard[1][0]


def test_speed_and_rate_are_obeyed(run, clone, tmp_path):
    voice, file = clone(), tmp_path / "a.wav"
    run("say", voice, "Hello there.", "-o", str(file), "--sample-rate", "8000")
    _, normal = seconds_of(file.read_bytes())
    run("say", voice, "Hello there.", "-o", str(file), "--speed", "2")

    assert seconds_of(file.read_bytes())[1] < 0.6 * normal


def test_the_list_is_tab_separated_when_piped(run, clone):
    names = ["Anna", "a rather long name " * 9, "[bold]Zoë[/bold] 🎤"]
    ids = [clone("--name", name) for name in names]

    outcome = run("voices", "list")

    rows = [line.split("\t") for line in outcome.text.splitlines()]
    assert [row[0] for row in rows] == ids[::-1]
    assert [row[1] for row in rows] == [name.strip() for name in names[::-1]]
    assert [row[2] for row in rows] == ["8.0"] * 3
    assert {len(row) for row in rows} == {5}


def test_an_empty_list_prints_nothing(run):
    assert run("voices", "list") == Outcome(0, b"", "")


def test_show_prints_json(run, clone):
    voice = clone("--name", "Anna [x]", "--description", "two words " * 40)

    shown = json.loads(run("voices", "show", "Anna [x]").text)

    assert shown["id"] == voice
    assert shown["name"] == "Anna [x]"
    assert shown["description"] == "two words " * 40
    assert shown["report"]["duration_s"] == pytest.approx(8.0, abs=0.01)


def test_a_deleted_voice_is_gone(run, clone):
    voice = clone()

    outcome = run("voices", "delete", voice)

    assert outcome.status == 0
    assert outcome.stdout == b""
    assert "1 record; 1 recording(s)" in outcome.stderr
    assert "0 output(s), 0 bytes" in outcome.stderr
    assert run("voices", "list").stdout == b""
    run("voices", "show", voice).refused("no voice")
    run("voices", "delete", voice).refused("no voice")


@pytest.mark.parametrize(
    "args",
    [
        ("say", "nobody", "Hello."),
        ("voices", "show", "nobody"),
        ("voices", "delete", "nobody"),
        ("voices", "show", "550e8400-e29b-41d4-a716-446655440000"),
    ],
    ids=" ".join,
)
def test_an_unknown_voice_is_refused_with_a_suggestion(run, args):
    outcome = run(*args)

    outcome.refused(f"There is no voice '{args[2 if args[0] == 'voices' else 1]}'")
    assert len(outcome.stderr.splitlines()) >= 2


def test_an_ambiguous_name_is_refused_with_the_ids(run, clone):
    ids = [clone("--name", "Anna") for _ in range(2)]

    run("voices", "delete", "Anna").refused("2 voices", *ids)
    assert run("voices", "show", ids[0]).status == 0


@pytest.mark.parametrize("name", ["missing.wav", "."])
def test_a_file_that_cannot_be_read_is_refused(run, tmp_path, name):
    run("clone", str(tmp_path / name)).refused("cannot be read")


def test_a_file_that_is_no_audio_is_refused(run, tmp_path):
    file = tmp_path / "notes.wav"
    file.write_text("This is text, not audio." * 100)

    outcome = run("clone", str(file))

    outcome.refused("cannot be read as audio")
    assert len(outcome.stderr.splitlines()) >= 2
    assert run("voices", "list").stdout == b""


def test_an_unknown_ending_is_refused_before_anything_is_written(run, clone, tmp_path):
    file = tmp_path / "said.docx"

    run("say", clone(), "Hello.", "-o", str(file)).refused("docx", "wav")

    assert not file.exists()


def test_a_place_that_cannot_be_written_is_refused(run, clone, tmp_path):
    file = tmp_path / "no" / "such" / "folder.wav"

    run("say", clone(), "Hello.", "-o", str(file)).refused("cannot be written")


@pytest.mark.parametrize("text", ["", "  ", "?!…"])
def test_a_text_without_words_is_refused(run, clone, tmp_path, text):
    file = tmp_path / "said.wav"

    run("say", clone(), text, "-o", str(file)).refused("word")

    assert not file.exists()


@pytest.mark.parametrize(
    "args",
    [
        ("--sample-rate", "100"),
        ("--sample-rate", "99999999"),
        ("--language", "x" * 40),
        ("--language", "tlh"),
        ("--pitch", "13"),
        ("--speed", "9"),
        ("--format", "docx"),
    ],
    ids=" ".join,
)
def test_an_option_out_of_range_is_refused_in_words(run, clone, tmp_path, args):
    outcome = run("say", clone(), "Hello.", "-o", str(tmp_path / "said.wav"), *args)

    assert outcome.status in (1, 2)
    assert outcome.stdout == b""
    assert "Traceback" not in outcome.stderr
    assert "pydantic" not in outcome.stderr
    assert outcome.stderr.strip()


def test_a_wrong_setting_is_refused_in_words(run, monkeypatch):
    monkeypatch.setenv("MIN_SPEECH_S", "-1")

    outcome = run("voices", "list")

    outcome.refused("MIN_SPEECH_S")
    assert "pydantic" not in outcome.stderr


def test_an_unknown_engine_is_refused_with_the_engines(run, monkeypatch):
    monkeypatch.setenv("VOICE_ENGINE", "festival")

    run("voices", "list").refused("festival", "kokoro")


def test_the_models_of_an_empty_folder_are_missing(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "none"))

    listed = run("models", "list")
    rows = [line.split("\t") for line in listed.text.splitlines()]
    assert {row[1] for row in rows} == {"missing"}
    assert "kokoro-int8" in {row[0] for row in rows}

    verified = run("models", "verify")
    assert verified.status == 1
    assert "models pull" in verified.stderr
    assert "missing  kokoro-int8" in verified.text


def test_the_list_of_models_says_what_each_is_needed_for(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "none"))

    rows = [line.split("\t") for line in run("models", "list").text.splitlines()]

    needed = {row[0]: row[-1] for row in rows}
    assert needed["kokoro-int8"] == "speech"
    assert needed["ge2e-speaker"] == needed["whisper-base-model"] == "training"
    assert set(needed.values()) <= {"speech", "training", "benchmarks"}


@pytest.mark.models
@pytest.mark.parametrize(
    ("options", "purposes"),
    [((), ("speech",)), (("--train",), ("speech", "training"))],
    ids=["speech", "training"],
)
def test_pull_sees_to_what_is_asked_for(run, monkeypatch, options, purposes):
    wanted = [asset for asset in load_manifest().assets if asset.purpose in purposes]
    for asset in wanted:
        model_file(asset.filename)
    monkeypatch.setenv("MODEL_DIR", str(model_file("kokoro-int8.onnx").parent.absolute()))

    pulled = run("models", "pull", *options)

    assert pulled.stderr == f"0 fetched, {len(wanted)} already here\n"


def test_a_damaged_model_of_training_is_fetched_with_its_own_option(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_DIR", str(tmp_path))
    (tmp_path / "ge2e-speaker.pt").write_bytes(b"not this")

    verified = run("models", "verify")

    assert "corrupt  ge2e-speaker" in verified.text
    assert "models pull --train`" in verified.stderr


def test_a_damaged_model_is_found(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_DIR", str(tmp_path))
    (tmp_path / "silero-vad.onnx").write_bytes(b"not this")

    verified = run("models", "verify")

    assert verified.status == 1
    assert "corrupt  silero-vad" in verified.text


def test_the_doctor_speaks_and_says_what_is_missing(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "none"))

    outcome = run("doctor")

    assert outcome.status == 1
    lines = {line[5:].partition(":")[0]: line[:4] for line in outcome.text.splitlines()}
    assert lines["models"] == "FAIL"
    assert "models pull" in outcome.text
    assert [lines[what] for what in ("version", "library av", "database", "file store")] == (
        ["ok  "] * 4
    )
    assert lines["speech"] == "ok  "


@pytest.mark.models
def test_a_complete_installation_is_healthy(run, monkeypatch):
    models = model_file("kokoro-int8.onnx").parent
    model_file("kokoro-voices.bin")
    monkeypatch.setenv("MODEL_DIR", str(models))
    monkeypatch.setenv("VOICE_ENGINE", "auto")

    outcome = run("doctor")

    assert outcome.status == 0, outcome.text
    assert "FAIL" not in outcome.text
    assert "Kokoro" in outcome.text
    verified = run("models", "verify")
    assert verified.status == 0
    assert "present  kokoro-int8" in verified.text


def test_the_doctor_says_why_it_cannot_speak(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("VOICE_ENGINE", "kokoro")

    outcome = run("doctor")

    assert outcome.status == 1
    assert "Traceback" not in outcome.stderr
    assert outcome.text.count("FAIL") == 2


def test_help_is_given_without_a_command(run):
    outcome = run()

    assert outcome.status in (0, 2)
    assert "clone" in outcome.text + outcome.stderr


# As a user runs it: a process of its own, with pipes.


def shell(command: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    python = f'"{sys.executable}" -m app.cli'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("voice-cloning", python)],
        cwd=Path(__file__).parents[2],
        env=os.environ | settings,
        capture_output=True,
    )


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_commands_can_be_joined_in_a_shell(tmp_path):
    (tmp_path / "a.wav").write_bytes(recording())
    result = shell(
        'echo "Hello there." | voice-cloning say "$(voice-cloning clone $FOLDER/a.wav)" - -o - '
        "--format pcm > $FOLDER/said.pcm",
        FOLDER=str(tmp_path),
    )

    assert result.returncode == 0, result.stderr
    said = read_pcm((tmp_path / "said.pcm").read_bytes())
    assert read_back(said)[0][1] == "Hello there."


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_an_error_ends_a_process_with_status_1_and_words(tmp_path):
    result = shell("voice-cloning say nobody Hello.")

    assert result.returncode == 1
    assert result.stdout == b""
    assert b"There is no voice" in result.stderr
    assert b"Traceback" not in result.stderr


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_reader_that_stops_early_is_no_crash(clone):
    result = shell(
        f'voice-cloning say {clone()} "$(yes "One sentence." | head -n 60)" -o - --format pcm '
        "| head -c 100"
    )

    assert len(result.stdout) == 100
    assert b"Traceback" not in result.stderr
