"""Real servers that tests start beside the service. They listen on loopback only."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_START_S = 30.0
_STOP_S = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: list[str | Path],
    *,
    answers: Callable[[], bool],
    log: Path,
    stop: signal.Signals = signal.SIGTERM,
    **options,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process from when it answers until the end of the block; stopped by its own id.

    Args:
        answers: asked again and again, whether the server takes requests.
        stop: what asks it to end.
        log: where its output goes; told when it does not start.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
        try:
            wait_until(answers, process, log)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(stop)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_S)


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not answers():
        told = log.read_text(errors="replace")[-2000:]
        assert process.poll() is None, f"{process.args} ended by itself: {told}"
        assert time.monotonic() < deadline, f"{process.args} does not answer: {told}"
        time.sleep(0.02)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
