"""What lexicons cost: files of 10,000 entries over HTTP, single entries, lexicons for speech."""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from app.core.config import Settings
from app.lexicons.shelf import LexiconShelf
from app.main import create_app
from bench.lexicon_matching import matching

_ENTRIES = 10_000
_REPEATS = 20
_PHONES = ("ə", "ˈæ", "t", "ɹ", "iː", "ʃ", "k", "oʊ", "n", "l")
_PATH = "/api/v1/lexicon/"


def main() -> None:
    """Print a table: what, figure, bar."""
    print("| what | figure | bar |")
    print("|---|---|---|")
    for row in [*storing(), *matching()]:
        print(f"| {' | '.join(row)} |")


def storing() -> list[tuple[str, str, str]]:
    """What was measured, the figure, the bar."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            voice_engine="fake",
            rate_limiting_enabled=False,
            jobs_worker=False,
            log_level="error",
        )
        with TestClient(create_app(settings)) as client:
            return [*_uploads(client), *_single(client), *_shelf(client)]


def _uploads(client: TestClient) -> list[tuple[str, str, str]]:
    rows = []
    for name, content in _files().items():
        form = {"lexicon_name": name}
        for fields, what in (
            ({"dry_run": "true"}, "dry run"),
            ({}, "stored"),
            ({"duplicates": "replace"}, "replaced"),
        ):
            took, answer = _timed(
                lambda given: client.post(f"{_PATH}bulk-upload", **given),
                {"files": {"file": (name, content)}, "data": form | fields},
            )
            if answer.status_code != 200:
                raise SystemExit(answer.text)
            size = f"{len(content) / 1e6:.1f} MB"
            rows.append((f"{_ENTRIES} entries, {name}, {size}: {what}", f"{took:.2f} s", "<= 5 s"))
        lexicon_id = answer.json()["lexicon_id"]
        took, _ = _timed(
            lambda lexicon: client.get(
                f"/api/v1/lexicons/{lexicon}/export", params={"format": "pls"}
            ),
            lexicon_id,
        )
        rows.append((f"{_ENTRIES} entries of {name}: exported as PLS", f"{took:.2f} s", ""))
    return rows


def _files() -> dict[str, bytes]:
    rng = random.Random(7)  # noqa: S311
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = sorted({"".join(rng.choices(letters, k=9)) for _ in range(2 * _ENTRIES)})[:_ENTRIES]
    said = {word: "".join(rng.choices(_PHONES, k=8)) for word in words}
    table = "grapheme,alias\n" + "".join(f"{word},say {word}\n" for word in words)
    items = [{"grapheme": w, "phonemes": ipa, "alphabet": "ipa"} for w, ipa in said.items()]
    lexemes = "".join(
        f"<lexeme><grapheme>{w}</grapheme><phoneme>{ipa}</phoneme></lexeme>"
        for w, ipa in said.items()
    )
    head = (
        '<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" '
        'alphabet="ipa" xml:lang="en-US">'
    )
    return {
        "aliases.csv": table.encode(),
        "phonemes.json": json.dumps(items).encode(),
        "phonemes.pls": f"{head}{lexemes}</lexicon>".encode(),
    }


def _single(client: TestClient) -> list[tuple[str, str, str]]:
    lexicon_id = _lexicons(client)[0]["id"]

    def add(number: int) -> Any:
        body = {"grapheme": f"one more {number}", "alias": "x", "lexicon_id": lexicon_id}
        return client.post(_PATH, json=body)

    took = [_timed(add, number)[0] for number in range(_REPEATS)]
    entry = client.get(_PATH, params={"lexicon_id": lexicon_id}).json()["items"][0]["id"]
    shown = [_timed(client.get, f"{_PATH}{entry}")[0] for _ in range(_REPEATS)]
    return [
        (f"one entry added to {_ENTRIES}", f"{1000 * statistics.median(took):.0f} ms", ""),
        (f"one entry of {_ENTRIES} shown", f"{1000 * statistics.median(shown):.1f} ms", ""),
    ]


def _shelf(client: TestClient) -> list[tuple[str, str, str]]:
    app: Any = client.app
    portal: Any = client.portal
    tools = app.state.context.lexicon_tools
    ids = [lexicon["id"] for lexicon in _lexicons(client)]

    async def rounds() -> list[float]:
        shelf = LexiconShelf(lexicons=tools.lexicons, store=tools.store)
        took = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            await shelf.matcher("local", ids, ())
            took.append(time.perf_counter() - began)
        return took

    first, *others = portal.call(rounds)
    return [
        (f"3 lexicons of {_ENTRIES} for speech: made ready", f"{first:.2f} s", ""),
        (
            f"3 lexicons of {_ENTRIES} for speech: from memory",
            f"{1000 * statistics.median(others):.1f} ms",
            "",
        ),
    ]


def _lexicons(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/lexicons").json()["items"]
    return found


def _timed(work: Callable[[Any], Any], given: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    made = work(given)
    return time.perf_counter() - began, made
