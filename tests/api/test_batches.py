"""Batches over HTTP."""

import asyncio
import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.audio.types import SpeechChunk
from app.core.config import Settings
from app.engines.fake import read_back
from app.jobs.runner import JobRunner
from tests.audio.signals import read_pcm
from tests.conftest import recording
from tests.speaking import create_app, engine_kind, engine_settings, seeded

PATH = "/api/v1/synthesis/batch"
WORDS = ("zero", "one", "two", "three", "four")
ID = "550e8400-e29b-41d4-a716-446655440000"
Register = Callable[..., str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """A server for all requests that begin nothing, and a voice."""
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("data"),
        **engine_settings(),
        rate_limiting_enabled=False,
        jobs_worker=False,
    )
    with TestClient(create_app(settings)) as running:
        yield running, a_voice(running)


@pytest.fixture
def idle(site: tuple[TestClient, str]) -> Iterator[TestClient]:
    """Its client; nothing may be begun."""
    before = site[0].get(PATH).json()
    yield site[0]
    assert site[0].get(PATH).json() == before


@pytest.fixture
def voice(site: tuple[TestClient, str]) -> str:
    return site[1]


def a_voice(client: TestClient, hz: float = 120.0) -> str:
    file = {"file": ("a.wav", recording(hz=hz), "audio/wav")}
    voice_id: str = client.post("/voices", files=file).json()["voice_id"]
    return voice_id


def begin(client: TestClient, body: dict[str, Any], **options: Any) -> dict[str, Any]:
    response = client.post(PATH, json=body, **options)
    assert response.status_code == 202, response.text
    batch: dict[str, Any] = response.json()["batch"]
    return batch


def work(client: TestClient, batch: dict[str, Any]) -> dict[str, Any]:
    """Do the job of a batch, as a worker would; the batch as it is then."""
    context = client.app.state.context

    async def run() -> None:
        job = await context.jobs.find(batch["job_id"])
        runner = JobRunner(context.jobs)
        await asyncio.gather(*(runner.run(job.id, job.runs, part) for part in range(job.parts)))

    client.portal.call(run)
    done: dict[str, Any] = client.get(batch["links"]["self"]).json()
    return done


def upload(client: TestClient, content: bytes | str, name: str = "items.csv", **fields: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return client.post(f"{PATH}/upload", files={"file": (name, raw)}, data=fields)


def heard(pcm: bytes) -> str:
    return " ".join(text for _, text in read_back(read_pcm(pcm)))


def table(*rows: tuple[str, ...], **options: Any) -> str:
    text = StringIO(newline="")
    csv.writer(text, **options).writerows(rows)
    return text.getvalue()


# From the first request to the zip


def test_a_batch_is_begun_spoken_and_fetched(client: TestClient, register: Register) -> None:
    voice, other = register(), register(hz=180.0)
    items = [
        {"text": "One.", "custom_id": "first"},
        {"text": "Two.", "voice": other, "format": "mp3", "speed": 1.5},
        {"ssml": "<speak>Three.</speak>"},
    ]
    response = client.post(
        PATH, json={"voice": voice, "format": "pcm", "items": items, "name": "Numbers"}
    )

    assert response.status_code == 202
    begun, job = response.json()["batch"], response.json()["job"]
    assert response.headers["location"] == begun["links"]["self"] == f"{PATH}/{begun['batch_id']}"
    assert (job["job_id"], job["kind"]) == (begun["job_id"], "batch")
    assert client.get(begun["links"]["job"]).json()["subject_id"] == begun["batch_id"]
    assert (begun["status"], begun["counts"]["queued"]) == ("queued", 3)
    assert client.get(PATH).json()["items"] == client.get(f"{PATH}/").json()["items"] == [begun]

    done = work(client, begun)

    assert (done["status"], done["counts"]["succeeded"], done["progress"]) == ("succeeded", 3, 1.0)
    shown = client.get(done["links"]["items"]).json()["items"]
    assert [(one["position"], one["custom_id"]) for one in shown] == [
        (0, "first"),
        (1, None),
        (2, None),
    ]
    assert [one["format"] for one in shown] == ["pcm", "mp3", "pcm"]
    assert sum(one["bytes"] for one in shown) == done["bytes"]
    audio = [client.get(one["audio"]) for one in shown]
    assert [heard(audio[n].content) for n in (0, 2)] == ["One.", "Three."]
    assert audio[1].headers["content-type"] == "audio/mpeg"
    assert float(audio[0].headers["x-audio-duration"]) == pytest.approx(shown[0]["duration_s"])
    link = client.get(f"{PATH}/{begun['batch_id']}/items/0/link")
    assert (link.status_code, link.json()["code"]) == (501, "links-unsupported")


def test_the_zip_has_the_audio_and_a_manifest_and_no_texts(
    client: TestClient, register: Register
) -> None:
    names = ["../../etc/passwd", "ü ber", "", "..", "x" * 200]
    items = [{"text": f"Number {n}."} | ({"custom_id": name} if name else {})
             for n, name in enumerate(names)]  # fmt: skip
    batch = begin(client, {"voice": register(), "format": "pcm", "items": items})

    early = ZipFile(BytesIO(client.get(batch["links"]["result"]).content))
    assert early.namelist() == ["manifest.json"]
    assert json.loads(early.read("manifest.json"))["partial"] is True

    work(client, batch)
    response = client.get(batch["links"]["result"])

    assert response.headers["content-type"] == "application/zip"
    archive = ZipFile(BytesIO(response.content))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "0001-etc_passwd.pcm", "0002-ber.pcm", "0003.pcm", "0004.pcm", f"0005-{'x' * 80}.pcm",
        "manifest.json",
    ]  # fmt: skip
    assert all(not entry.flag_bits & 8 for entry in archive.infolist())  # sizes before the data
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["status"], manifest["partial"]) == ("succeeded", False)
    for n, entry in enumerate(manifest["items"]):
        content = archive.read(entry["file"])
        assert heard(content) == f"Number {WORDS[n]}."
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert (entry["bytes"], entry["custom_id"]) == (len(content), names[n] or None)
    assert b"Number" not in archive.read("manifest.json")


@pytest.mark.parametrize("fmt", ["mp3", "opus", "flac", "wav"])
def test_one_file_of_all_has_the_items_in_order_and_marks(
    client: TestClient, register: Register, fmt: str
) -> None:
    formats = ["pcm", "mp3", "mulaw", "opus", "wav"]
    items = [{"text": f"Number {n}.", "format": name, "custom_id": f"c{n}"}
             for n, name in enumerate(formats)]  # fmt: skip
    batch = begin(
        client,
        {
            "voice": register(), "items": items, "concatenate": True, "concatenate_format": fmt,
            "pause_s": 0.4,
        },
    )  # fmt: skip
    assert client.get(batch["links"]["audio"]).json()["code"] == "job-running"
    done = work(client, batch)

    response = client.get(batch["links"]["audio"])

    told = [(c["title"], c["start_s"], c["end_s"]) for c in done["chapters"]]
    with av.open(BytesIO(response.content)) as container:
        marks = [
            (mark["metadata"]["title"], float(mark["start"] * mark["time_base"]))
            for mark in container.chapters()
        ]
        stream = container.streams.audio[0]
        rate = stream.rate
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(stream)])
    assert [title for title, _, _ in told] == ["c0", "c1", "c2", "c3", "c4"]
    assert told[1][1] == pytest.approx(told[0][2] + 0.4, abs=0.002)
    assert marks == ([] if fmt == "wav" else [(title, start) for title, start, _ in told])
    assert len(samples) / rate == pytest.approx(told[-1][2], abs=0.1)
    if fmt in ("wav", "flac"):
        said = read_back(samples.astype(np.float32) / 32768)
        assert said[0][1] == "Number zero."
        assert said[4][1] == "Number four."
    manifest = ZipFile(BytesIO(client.get(batch["links"]["result"]).content)).read("manifest.json")
    assert json.loads(manifest)["chapters"] == done["chapters"]


def test_one_file_of_all_is_there_only_where_it_was_asked_for(
    client: TestClient, register: Register
) -> None:
    batch = begin(client, {"voice": register(), "items": [{"text": "One."}]})
    done = work(client, batch)

    assert (done["links"]["audio"], done["chapters"]) == (None, None)
    assert client.get(f"{done['links']['self']}/audio").json()["code"] == "audio-not-kept"


class Stubborn(engine_kind()):
    """Says nothing with a seven in it."""

    async def synthesize(self, request: Any) -> Any:
        if "seven" not in request.text:
            async for chunk in super().synthesize(request):
                yield chunk
        elif request.text == "":
            yield SpeechChunk(np.zeros(1, np.float32), 24000, 0, 0)


def test_items_that_fail_are_told_by_item_and_left_out_of_the_file_of_all(
    settings: Settings,
) -> None:
    with TestClient(create_app(settings, engine=Stubborn())) as client:
        voice = a_voice(client)
        items = [{"text": f"Number {n}."} for n in range(6, 9)]
        batch = begin(client, {"voice": voice, "items": items, "concatenate": True})

        done = work(client, batch)

        assert (done["status"], done["counts"]["failed"]) == ("partial", 1)
        [failed] = client.get(f"{done['links']['items']}?status=failed").json()["items"]
        assert (failed["position"], failed["error"]["code"]) == (1, "engine-failed")
        assert failed["audio"] is None
        at = f"{done['links']['items']}/1/audio"
        assert client.get(at).json()["code"] == "audio-not-kept"
        assert [chapter["position"] for chapter in done["chapters"]] == [0, 2]
        assert client.get(done["links"]["audio"]).status_code == 200
        assert client.post(f"{done['links']['self']}/retry").status_code == 202
        assert client.post(f"{done['links']['self']}/cancel").json()["status"] == "cancelled"
        assert client.post(f"{done['links']['self']}/cancel").json()["code"] == "job-ended"


def test_pages_of_items_and_of_batches(client: TestClient, register: Register) -> None:
    voice = register()
    ids = [
        begin(client, {"voice": voice, "items": [{"text": "One."}] * 3})["batch_id"]
        for _ in range(3)
    ]

    page = client.get(f"{PATH}?limit=2").json()
    rest = client.get(PATH, params={"limit": 2, "cursor": page["cursor"]}).json()
    assert [one["batch_id"] for one in page["items"] + rest["items"]] == ids[::-1]
    items = f"{PATH}/{ids[0]}/items"
    page = client.get(f"{items}?limit=2").json()
    rest = client.get(items, params={"limit": 2, "cursor": page["cursor"]}).json()
    assert [one["position"] for one in page["items"] + rest["items"]] == [0, 1, 2]
    wrong = client.get(f"{PATH}/{ids[1]}/items", params={"limit": 2, "cursor": page["cursor"]})
    assert wrong.status_code == 400


def test_a_deleted_batch_is_gone_with_its_job_and_audio(
    client: TestClient, register: Register, settings: Settings
) -> None:
    batch = begin(client, {"voice": register(), "items": [{"text": "One."}], "store": False})
    work(client, batch)
    assert list(settings.outputs.rglob("*batch-*"))

    assert client.delete(batch["links"]["self"]).status_code == 204

    assert client.get(batch["links"]["self"]).json()["code"] == "batch-not-found"
    assert client.get(batch["links"]["job"]).json()["code"] == "job-not-found"
    assert not list(settings.outputs.rglob("*batch-*"))


def test_a_batch_of_somebody_else_is_as_if_it_were_not_there(
    client: TestClient, register: Register
) -> None:
    batch = begin(client, {"voice": register(), "items": [{"text": "One."}]})
    work(client, batch)
    path, ben = batch["links"]["self"], {"X-Owner": "ben"}

    assert client.get(PATH, headers=ben).json()["items"] == []
    for method, end in (
        ("GET", ""), ("GET", "/items"), ("GET", "/items/0/audio"), ("GET", "/result"),
        ("GET", "/audio"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", ""),
    ):  # fmt: skip
        theirs = client.request(method, path + end, headers=ben)
        none = client.request(method, f"{PATH}/{ID}{end}")
        assert theirs.status_code == none.status_code == 404, (method, end)
        assert theirs.json()["code"] == none.json()["code"] == "batch-not-found"
    assert client.get(path).json()["status"] == "succeeded"


# What cannot be begun


@pytest.mark.parametrize("count", [0, 1001, 10_001])
def test_too_few_and_too_many_items_are_refused(idle: TestClient, voice: str, count: int) -> None:
    body = {"voice": voice, "items": [{"text": "a"}] * count}

    response = idle.post(PATH, json=body)

    assert (response.status_code, response.json()["code"]) == (400, "invalid-request")


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"text": "..."}, "text-unspeakable"),
        ({"text": "word " * 2001}, "text-too-long"),
        ({"text": "Null\x00."}, "invalid-request"),
        ({"ssml": "<speak>Hello"}, "markup-invalid"),
        ({"ssml": "<speak><audio src='x'/></speak>"}, "markup-invalid"),
        ({"text": "Hello.", "voice": ID}, "voice-not-found"),
        ({"text": "Hello.", "voice": "\x00"}, "voice-not-found"),
        ({"text": "Hello.", "format": "opus", "sample_rate": 22050}, "format-unsupported"),
        ({"text": "Hello.", "language": "cy"}, "language-unsupported"),
        ({"text": "Hello.", "lexicon_ids": ["x"]}, "lexicon-not-found"),
        ({"text": "Hello.", "custom_id": "item-3"}, "duplicate"),
    ],
)
def test_one_bad_item_among_a_thousand_is_named_and_nothing_is_begun(
    idle: TestClient, voice: str, item: dict[str, Any], kind: str
) -> None:
    items: list[dict[str, Any]] = [{"text": "Good.", "custom_id": f"item-{n}"} for n in range(1000)]
    items[700] = item

    response = idle.post(PATH, json={"voice": voice, "items": items})

    assert response.status_code == 400, response.text
    problem = response.json()
    assert problem["code"] == "invalid-request"
    [error] = problem["errors"]
    assert (error["loc"][:3], error["type"]) == (["body", "items", 700], kind)


def test_a_thousand_long_items_are_taken_and_a_longer_request_is_413(
    idle: TestClient, voice: str
) -> None:
    items = [{"text": "word " * 280}] * 999 + [{"text": "!"}]  # 1.4 MB; looked at, so taken
    headers = {"Content-Type": "application/json"}

    taken = idle.post(PATH, json={"voice": voice, "items": items})
    too_long = idle.post(PATH, content=b" " * (17 * 1024 * 1024), headers=headers)

    assert (taken.status_code, taken.json()["code"]) == (400, "invalid-request")
    assert (too_long.status_code, too_long.json()["code"]) == (413, "upload-too-large")


@pytest.mark.parametrize(
    "item",
    [
        {}, {"text": "a", "ssml": "b"}, {"text": 1}, {"text": None}, "text", {"text": "a", "x": 1},
        {"text": "a", "speed": 9}, {"text": "a", "speed": "1"}, {"text": "a", "custom_id": ""},
        {"text": "a", "custom_id": "a\x00b"}, {"text": "a", "language": "en\x00"},
        {"text": "\ud800"}, {"text": "a", "seed": 2**40}, {"text": "a", "format": "midi"},
    ],
)  # fmt: skip
def test_an_item_of_the_wrong_form_is_named(idle: TestClient, voice: str, item: Any) -> None:
    body = json.dumps({"voice": voice, "items": [{"text": "Good."}, item]})

    response = idle.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (400, "invalid-request")
    assert {tuple(error["loc"][:3]) for error in response.json()["errors"]} == {
        ("body", "items", 1)
    }


def test_of_many_mistakes_a_hundred_are_told(idle: TestClient, voice: str) -> None:
    for item in ({"text": "..."}, {"text": "a", "voice": ID}, {"text": 1}, {}):
        response = idle.post(PATH, json={"voice": voice, "items": [item] * 300})

        assert response.status_code == 400
        assert len(response.json()["errors"]) == 100


def test_the_voice_of_the_whole_batch_must_be_there(idle: TestClient) -> None:
    response = idle.post(PATH, json={"voice": ID, "items": [{"text": "One."}, {"text": "Two."}]})
    assert (response.status_code, response.json()["code"]) == (404, "voice-not-found")

    response = idle.post(PATH, json={"items": [{"text": "One."}]})
    assert (response.status_code, response.json()["errors"][0]["type"]) == (400, "missing")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"webhook_url": "https://169.254.169.254/x"}, "webhook-refused"),
        ({"webhook_url": "\x00"}, "webhook-refused"),
        ({"concatenate": True, "sample_rate": 8001}, "format-unsupported"),
        ({"name": "a\x00b"}, "invalid-request"),
        ({"ttl_hours": 0}, "invalid-request"),
        ({"ttl_hours": 1e300}, "invalid-request"),
        ({"pause_s": -1}, "invalid-request"),
        ({"concatenate_format": "aac"}, "invalid-request"),
        ({"unknown": 1}, "invalid-request"),
    ],
)
def test_what_a_batch_cannot_have_is_refused(
    idle: TestClient, voice: str, fields: dict[str, Any], code: str
) -> None:
    body = {"voice": voice, "items": [{"text": "One."}]} | fields

    response = idle.post(PATH, json=body)

    assert (response.status_code, response.json()["code"]) == (400, code)


def test_the_same_key_again_is_the_same_batch(client: TestClient, register: Register) -> None:
    body = {"voice": register(), "items": [{"text": "One."}]}
    key = {"Idempotency-Key": "my-key"}
    first = begin(client, body, headers=key)
    again = begin(client, body, headers=key)
    another = client.post(PATH, json=body | {"name": "Another"}, headers=key)

    assert again["batch_id"] == first["batch_id"]
    assert (another.status_code, another.json()["code"]) == (409, "idempotency-mismatch")
    assert len(client.get(PATH).json()["items"]) == 1
    odd = client.post(PATH, json=body, headers={"Idempotency-Key": "a b"})
    assert odd.status_code == 400


def test_too_many_jobs_leave_nothing_behind(settings: Settings) -> None:
    few = settings.model_copy(update={"max_jobs_per_owner": 1})
    with TestClient(create_app(few)) as client:
        voice = a_voice(client)
        body = {"voice": voice, "items": [{"text": "One."}]}
        begin(client, body)

        response = client.post(PATH, json=body)

        assert (response.status_code, response.json()["code"]) == (429, "too-many-jobs")
        context = client.app.state.context
        rows = client.portal.call(lambda: _count(context))
        assert rows == (1, 1)


async def _count(context: Any) -> tuple[int, int]:
    from app.models.batch import Batch, BatchItem

    batches = await context.database.collection(Batch).list()
    items = await context.database.collection(BatchItem).list()
    return len(batches.items), len(items.items)


def test_characters_are_counted_and_the_longest_batch_takes_all_there_are(
    settings: Settings,
) -> None:
    tight = settings.model_copy(
        update={
            "rate_limiting_enabled": True, "rate_limit_characters": 100, "max_text_chars": 100,
            "max_whole_text_chars": 100,
        }
    )  # fmt: skip
    with TestClient(create_app(tight)) as client:
        voice = a_voice(client)
        long = {"voice": voice, "items": [{"text": "Word " * 20}] * 2}
        begin(client, long)

        refused = client.post(PATH, json=long)

        assert (refused.status_code, refused.json()["rate"]) == (429, "characters")
        assert len(client.get(PATH).json()["items"]) == 1


# Files


def test_a_table_is_read_as_spreadsheets_write_it(client: TestClient, register: Register) -> None:
    voice, other = register(), register(hz=180.0)
    rows = table(
        ("text", "Custom_ID", "voice", "speed", "format", "seed"),
        ('She said: "Yes, I do."', "a", "", "", "", ""),
        ("Two\nlines", "b", other, "1.5", "MP3", str(seeded(7).get("seed", ""))),
        ("", "", "", "", "", ""),
        ("Last", "", "", "", "", ""),
    )

    response = upload(client, b"\xef\xbb\xbf" + rows.encode(), voice=voice, format="pcm",
                      name="items.CSV")  # fmt: skip

    assert response.status_code == 202, response.text
    batch = work(client, response.json()["batch"])
    assert batch["counts"]["succeeded"] == 3
    items = client.get(batch["links"]["items"]).json()["items"]
    assert [(one["custom_id"], one["voice"], one["format"]) for one in items] == [
        ("a", voice, "pcm"), ("b", other, "mp3"), (None, voice, "pcm"),
    ]  # fmt: skip
    assert heard(client.get(items[0]["audio"]).content) == 'She said: "Yes, I do."'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", table(("text", "speed"), ("One", "1.5"), ("Two", ""), delimiter=";")),
        ("a.csv", table(("text", "speed"), ("One", "1.5"), ("Two", ""), delimiter="\t")),
        ("a.csv", "text,speed\rOne,1.5\rTwo\r"),
        ("a.jsonl", '{"text": "One", "speed": 1.5}\r\n\n{"text": "Two"}\n'),
        ("a.ndjson", '{"text": "One", "speed": 1.5}\n{"text": "Two"}'),
        ("a.json", '[{"text": "One", "speed": 1.5}, {"text": "Two"}]'),
        ("a.json", '{"items": [{"text": "One", "speed": 1.5}, {"text": "Two"}]}'),
    ],
)
def test_files_of_other_forms(site: tuple[TestClient, str], name: str, content: str) -> None:
    response = upload(site[0], content, name, voice=site[1], concatenate="true", pitch="2")

    assert response.status_code == 202, response.text
    assert (response.json()["batch"]["total"], response.json()["batch"]["concatenate"]) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "text,colour\nOne,red\n", "colour"),
        ("a.csv", "One\nTwo\n", "Row 1"),
        ("a.csv", "", "empty"),
        ("a.csv", "text\n", "0 items"),
        ("a.csv", 'text\nOne\n"Two', "row 3"),
        ("a.csv", 'text\nOne\n"Two" x\n', "row 3"),
        ("a.csv", "text\nOne,two\n", "Row 2"),
        ("a.csv", "text,text\nOne,two\n", "twice"),
        ("a.csv", b"text\nOne\nCaf\xe9\n", "line 3"),
        ("a.csv", "text\nOne\n".encode("utf-16"), "UTF-16"),
        ("a.jsonl", '{"text": "One"}\n{"text": \n', "Row 2"),
        ("a.json", "[" * 100_000, "not JSON"),
        ("a.json", '{"voice": "x"}', "array"),
        ("a.json", '{"items": [], "voice": "x"}', "array"),
        ("a.txt", "One", "*.csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_where(
    idle: TestClient, voice: str, name: str, content: bytes | str, told: str
) -> None:
    response = upload(idle, content, name, voice=voice)

    assert (response.status_code, response.json()["code"]) == (400, "invalid-request")
    assert told in response.json()["detail"] + str(response.json()["suggestion"])


@pytest.mark.parametrize(
    ("content", "loc", "kind"),
    [
        ("text,speed\nOne,1\nTwo,fast\n", ["file", "row 3", "speed"], "float_type"),
        ("text,speed\nOne,1\nTwo,9\n", ["file", "row 3", "speed"], "less_than_equal"),
        ('text,seed\n"One\nmore",1\nTwo,1.5\n', ["file", "row 3", "seed"], "int_type"),
        ("text,voice\nOne,\nTwo,nobody\n", ["file", "row 3", "voice"], "voice-not-found"),
        ("text,format\nOne,\n...,\n", ["file", "row 3"], "text-unspeakable"),
        ("text,ssml\nOne,\n\n,\nTwo,<speak/>\n", ["file", "row 5"], "value_error"),
    ],
)
def test_wrong_rows_are_told_by_their_number(
    idle: TestClient, voice: str, content: str, loc: list[str], kind: str
) -> None:
    response = upload(idle, content, voice=voice)

    assert response.status_code == 400, response.text
    [error] = response.json()["errors"]
    assert (error["loc"], error["type"]) == (loc, kind)
    assert "row" in response.json()["detail"]


def test_the_form_has_what_the_body_has_for_all_items(site: tuple[TestClient, str]) -> None:
    client, voice = site

    response = upload(client, "text\nOne\n", voice=voice, normalize="off", fallback="true")

    assert response.status_code == 202, response.text


def test_wrong_fields_of_a_form_are_told(idle: TestClient, voice: str) -> None:
    for fields in ({"speed": "9"}, {"format": "midi"}, {"ttl_hours": "nan"}, {"fallback": "?"},
                   {"normalize": "maybe"}, {"x": "1"}):  # fmt: skip
        response = upload(idle, "text\nOne\n", voice=voice, **fields)

        assert response.status_code == 400, fields
        assert response.json()["errors"][0]["loc"][-1] == next(iter(fields))
