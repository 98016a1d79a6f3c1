"""Serve with gunicorn: `gunicorn --config deploy/gunicorn.conf.py app.main:app`.

Needs the extra `gunicorn`. Everything is read from the settings of the service.
"""

import os
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from app.core.config import Settings
from app.core.metrics_folder import FOLDER, close_folder, open_folder

_settings = Settings()

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = [f"{_host}:{_settings.port}"]
workers = _settings.workers


class Worker(UvicornWorker):
    """With the protocol that ends idle and deaf connections, and five seconds for last bytes."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "http": "app.api.connection:Connection",
        "timeout_graceful_shutdown": 5,
    }


worker_class = Worker
proc_name = "voice-cloning"
loglevel = _settings.log_level
# A process that has not moved for so long is killed. Speaking does not hold its event loop.
timeout = 60
# The service itself ends what is under way after SHUTDOWN_GRACE_S.
graceful_timeout = _settings.shutdown_grace_s + 10
keepalive = 5
preload_app = False  # the engine's threads do not survive a fork

# Here, since processes inherit it; `on_starting` is too late for a reload of this file.
_made = open_folder() if FOLDER not in os.environ else None


def on_starting(server: Any) -> None:
    if _made is None:
        open_folder()  # the one that was named may hold what an earlier run has left


def child_exit(server: Any, worker: Any) -> None:
    """Gauges of a process that is gone count no more."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    close_folder(_made)
