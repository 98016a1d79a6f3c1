"""Processes that counted together with this one, and are gone."""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead


def bury_dead(folder: Path) -> None:
    """Forget the gauges of processes that are no more: a killed one cannot do it itself, and
    uvicorn tells nobody that it is gone.
    """
    if os.name != "posix":  # there, signal 0 is no question
        return
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not _alive(int(pid)):
            with suppress(FileNotFoundError):  # another process has just done the same
                mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody's
        return True
    return True
