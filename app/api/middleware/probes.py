"""The paths that machines ask."""

from typing import Final

PROBED: Final = ("/health", "/health/live", "/health/ready", "/metrics")
"""Asked by machines that know this process by its address only, and while it is being stopped."""
