"""The limiter that the settings ask for."""

from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import ConfigurationError
from app.core.turns import Turns
from app.limits.adaptive import AdaptiveLimit
from app.limits.base import Buckets, LimitObserver, Rate
from app.limits.limiter import RateLimiter
from app.limits.memory import MemoryBuckets


def create_limiter(
    settings: Settings, turns: Turns, *, clock: Clock, observer: LimitObserver | None = None
) -> RateLimiter | None:
    """None if limits are off.

    Raises:
        ConfigurationError: Redis is asked for and cannot be used.
    """
    if not settings.rate_limiting_enabled:
        return None
    return RateLimiter(
        _buckets(settings, clock),
        local=MemoryBuckets(clock=clock),
        limits={
            Rate.DEFAULT: settings.rate_limit_default,
            Rate.SYNTHESIS: settings.rate_limit_synthesis,
            Rate.TRAINING: settings.rate_limit_training,
            Rate.CHARACTERS: settings.rate_limit_characters,
            Rate.REPORTS: settings.rate_limit_reports,
            Rate.AUTHENTICATION: settings.rate_limit_default,
        },
        adaptive=_adaptive(settings, turns, clock),
        observer=observer,
    )


def _buckets(settings: Settings, clock: Clock) -> Buckets:
    if settings.redis_url is None:
        return MemoryBuckets(clock=clock)
    try:
        from app.limits.redis import RedisBuckets
    except ImportError as error:
        raise ConfigurationError(
            "REDIS_URL needs a package that is not installed.",
            'Run `pip install "voice-cloning-api[redis]"`.',
        ) from error
    url, timeout_s = settings.redis_url.get_secret_value(), settings.redis_timeout_s
    return RedisBuckets(url, clock=clock, timeout_s=timeout_s)


def _adaptive(settings: Settings, turns: Turns, clock: Clock) -> AdaptiveLimit | None:
    if not settings.rate_limit_adaptive:
        return None
    adaptive = AdaptiveLimit(
        settings.rate_limit_synthesis,
        target_wait_s=settings.rate_limit_target_wait_s,
        waiting_s=turns.waiting_s,
        clock=clock,
    )
    turns.observe(adaptive)
    return adaptive
