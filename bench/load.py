"""Many clients at once on the engine whose speech can be read back: is any answer wrong, does
memory stay bounded, and what does the service add to each request?
"""

import argparse
import asyncio
import random
import time
from dataclasses import dataclass, field

import httpx2
import numpy as np

from app.engines.fake import read_back
from bench.server import Server, serving
from tests.audio.signals import read_pcm
from tests.conftest import recording

_VOICES = 20
_LETTERS = str.maketrans("0123456789", "bcdfghklmn")
_WORDS = "amber birch coral delta ember frost grove haven ivory jolly".split()  # noqa: SIM905


@dataclass
class Tally:
    """What came of the requests of one run.

    Attributes:
        seconds: of each right answer, from sending to the last byte.
        wrong: answers with another text or voice than asked for.
        failures: status, or name of the error -> how often.
        rss_mb: of the server, once a second.
    """

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    rss_mb: list[float] = field(default_factory=list)

    def fail(self, reason: str) -> None:
        self.failures[reason] = self.failures.get(reason, 0) + 1


def main(options: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=4.0, help="of each client, when paced")
    asked = parser.parse_args(options)
    environment = {
        "VOICE_ENGINE": "fake",
        "RATE_LIMITING_ENABLED": "false",
        "MAX_CONCURRENT_REQUESTS": str(2 * asked.clients),
        "LOG_REQUESTS": "false",
        "LOG_RESPONSES": "false",
    }
    with serving(**environment) as server:
        voices = _register(server)
        alone = asyncio.run(_run(server, voices, clients=1, seconds=5.0, pause_s=0.0))
        paced = asyncio.run(
            _run(server, voices, clients=asked.clients, seconds=asked.seconds, pause_s=asked.pause)
        )
        full = asyncio.run(
            _run(server, voices, clients=asked.clients, seconds=asked.seconds, pause_s=0.0)
        )
    print("| clients | requests | wrong | failed | per second | p50 ms | p99 ms | server MB |")
    print("|---|---|---|---|---|---|---|---|")
    _report("1", alone, 5.0)
    _report(f"{asked.clients}, each every {asked.pause:g} s", paced, asked.seconds)
    _report(f"{asked.clients}, without pause", full, asked.seconds)
    if any(tally.wrong or tally.failures for tally in (alone, paced, full)):
        raise SystemExit("There were wrong or failed answers.")


def _register(server: Server) -> dict[str, bytes]:
    """Voice id -> the fingerprint that its speech begins with."""
    voices = {}
    for number in range(_VOICES):
        content = recording(hz=90.0 + 7 * number)
        voice_id = str(server.register(content, f"voice {number}")["voice_id"])
        answer = server.client.post(
            f"/voices/{voice_id}/synthesize", json={"text": "hello", "format": "pcm"}
        )
        answer.raise_for_status()
        [(voices[voice_id], _)] = read_back(read_pcm(answer.content))
    return voices


async def _run(
    server: Server, voices: dict[str, bytes], *, clients: int, seconds: float, pause_s: float
) -> Tally:
    tally = Tally()
    until = time.perf_counter() + seconds
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(
        base_url=server.client.base_url, timeout=60, limits=limits
    ) as client:
        watching = asyncio.create_task(_watch(server, tally))
        chances = [random.Random(seed) for seed in range(clients)]  # noqa: S311
        await asyncio.gather(
            *(_client(client, voices, tally, chance, until, pause_s) for chance in chances)
        )
        watching.cancel()
    return tally


async def _watch(server: Server, tally: Tally) -> None:
    while True:
        tally.rss_mb.append(server.rss_mb())
        await asyncio.sleep(1)


async def _client(
    client: httpx2.AsyncClient,
    voices: dict[str, bytes],
    tally: Tally,
    chance: random.Random,
    until: float,
    pause_s: float,
) -> None:
    await asyncio.sleep(chance.uniform(0, pause_s))
    while time.perf_counter() < until:
        voice_id = chance.choice(list(voices))
        # In letters: figures would be put into words.
        text = f"{chance.choice(_WORDS)} {chance.randrange(10**6)}".translate(_LETTERS)
        body = {"text": text, "format": "pcm", "stream": chance.random() < 0.5}
        start = time.perf_counter()
        try:
            answer = await client.post(f"/voices/{voice_id}/synthesize", json=body)
        except httpx2.HTTPError as error:
            tally.fail(type(error).__name__)
            continue
        took = time.perf_counter() - start
        if answer.status_code != 200:
            tally.fail(str(answer.status_code))
        elif read_back(read_pcm(answer.content)) != [(voices[voice_id], text)]:
            tally.wrong += 1
        else:
            tally.seconds.append(took)
        await asyncio.sleep(pause_s * chance.uniform(0.5, 1.5))


def _report(name: str, tally: Tally, seconds: float) -> None:
    failed = ", ".join(f"{count} x {reason}" for reason, count in tally.failures.items())
    p50, p99 = np.percentile(tally.seconds or [0.0], [50, 99]) * 1000
    half = len(tally.rss_mb) // 2
    memory = f"{max(tally.rss_mb[:half] or [0]):.0f}, then {max(tally.rss_mb[half:] or [0]):.0f}"
    print(
        f"| {name} | {len(tally.seconds)} | {tally.wrong} | {failed or 0} "
        f"| {len(tally.seconds) / seconds:.0f} | {p50:.1f} | {p99:.1f} | {memory} |"
    )
