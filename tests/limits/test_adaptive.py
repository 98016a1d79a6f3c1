from app.limits.adaptive import AdaptiveLimit
from tests.clock import StoppedClock


def adaptive(clock: StoppedClock, waits: list[float] | None = None) -> AdaptiveLimit:
    waiting = waits or [0.0]
    return AdaptiveLimit(50, target_wait_s=2.0, waiting_s=lambda: waiting[0], clock=clock)


def test_short_waits_change_nothing():
    clock = StoppedClock()
    limit = adaptive(clock)
    for _ in range(20):
        clock.advance(2)
        limit.on_wait(1.9)

    assert limit.current() == 50


def test_long_waits_tighten_the_limit_to_a_tenth_and_no_further():
    clock = StoppedClock()
    limit = adaptive(clock)
    seen = []
    for _ in range(20):
        clock.advance(2)
        limit.on_wait(2.1)
        seen.append(limit.current())

    assert seen[:3] == [35, 24, 17]
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 5


def test_many_long_waits_at_once_are_one_step():
    clock = StoppedClock()
    limit = adaptive(clock)
    clock.advance(10)
    for _ in range(50):
        limit.on_wait(9.0)

    assert limit.current() == 35


def test_it_recovers_step_by_step_up_to_the_limit():
    clock = StoppedClock()
    limit = adaptive(clock)
    clock.advance(2)
    limit.on_wait(5.0)
    seen = []
    for _ in range(10):
        clock.advance(2)
        seen.append(limit.current())

    assert seen[0] == 38
    assert seen == sorted(seen)
    assert seen[-1] == 50


def test_a_queue_that_stands_still_tightens_as_well():
    """Nobody gets a turn, so no wait is ever told."""
    clock, waits = StoppedClock(), [0.0]
    limit = adaptive(clock, waits)
    clock.advance(4)
    waits[0] = 4.0

    assert limit.current() == 35


def test_after_a_quiet_time_an_old_wait_no_longer_counts():
    clock = StoppedClock()
    limit = adaptive(clock)
    clock.advance(2)
    limit.on_wait(5.0)

    clock.advance(120)

    assert limit.current() == 50
