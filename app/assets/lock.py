"""One process, and in it one thread, at a time in a folder."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.exceptions import AssetError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_POLL_S = 0.2


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`, waiting for as long as another has it.

    The system lets go of the lock when its process ends, also when it is killed: there are no
    stale locks. The file itself stays, because deleting it would let two in.

    Args:
        path: made when it is not there; its folder exists.
        waiting: called at every look at a taken lock. What it raises ends the wait.

    Raises:
        AssetError: the file system knows no locks, or the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _no_lock(error) from error
    try:
        while True:
            try:
                _try_lock(descriptor)
                break
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise _no_lock(error) from error
            waiting()
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _no_lock(error: OSError) -> AssetError:
    return AssetError(
        f"The folder of the model files cannot be locked: {error.strerror}.",
        "Set MODEL_DIR to a folder that this user may write and whose file system has locks.",
    )
