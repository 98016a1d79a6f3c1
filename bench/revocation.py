"""How long voices speak after their consent was revoked, in two processes on the same records."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from bench.data import LONG_TEXT, flac, joined, speakers
from bench.server import Server, serving

_ROUNDS: Final = 5
_BAR_S: Final = 2.0
_FORM: Final = {
    "speaker": "Jane Smith", "company": "Contoso", "purpose": "A benchmark.", "signed_by": "Jo",
}  # fmt: skip


@dataclass
class Heard:
    """A stream. `at`: when each sentence came. `last`: the event that came last."""

    at: list[float] = field(default_factory=list)
    last: str = ""


def main() -> None:
    """Print the seconds from the call to the last sound of each process."""
    clips = next(iter(speakers().values()))
    sample = flac(joined(clips[:2]))
    with serving() as one, serving(DATA_DIR=str(one.folder)) as two:
        for number in range(1, _ROUNDS + 1):
            voice = str(one.register(sample, f"voice-{number}")["voice_id"])
            consent = one.client.post("/api/v1/consents", data=_FORM | {"voice_id": voice}).json()
            heard = {"the process that is called": Heard(), "another process": Heard()}
            listening = [
                threading.Thread(target=_listen, args=(server, voice, into))
                for server, into in zip((one, two), heard.values(), strict=True)
            ]
            for thread in listening:
                thread.start()
            while any(len(into.at) < 2 for into in heard.values()):
                time.sleep(0.01)
            called = time.perf_counter()
            one.client.post(f"/api/v1/consents/{consent['id']}/revoke").raise_for_status()
            for thread in listening:
                thread.join()
            for name, into in heard.items():
                after = max(0.0, into.at[-1] - called)
                print(f"round {number}, {name:27} last sound after {after:.2f} s", end="")
                print(f" (bar {_BAR_S:g} s), then: {into.last}")


def _listen(server: Server, voice: str, into: Heard) -> None:
    body = {"voice": voice, "text": LONG_TEXT * 20, "stream_format": "sse", "format": "pcm"}
    with server.client.stream("POST", "/api/v1/synthesis/speak/stream", json=body) as response:
        for line in response.iter_lines():
            if line == "event: audio":
                into.at.append(time.perf_counter())
            elif line.startswith("event:"):
                into.last = line.removeprefix("event: ")
            elif line.startswith("data:") and into.last == "error":
                into.last = f"error {json.loads(line.removeprefix('data: '))['code']}"
