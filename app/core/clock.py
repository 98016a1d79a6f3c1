"""Time that tests can stop."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since some moment; never runs backwards."""
