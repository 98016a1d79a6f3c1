"""How long is waited before another try."""

from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from app.core.clock import utc_now
from app.core.retrying import Pauses, asked_wait_s


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "100000"}, 86_400),
        ({"Retry-After": "9" * 5_000}, 86_400),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, 86_400),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:00 -0000"}, None),  # of no time zone
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:00 +9999999999999999"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "2", "Retry-After-Ms": "1250"}, 1.25),
        ({"Retry-After": "2", "x-ms-retry-after-ms": "37"}, 0.037),
        ({"Retry-After": "2", "x-ms-retry-after-ms": "?"}, 2),
    ],
    ids=str,
)
def test_what_an_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    raw = [(name.encode(), text.encode()) for name, text in headers.items()]

    assert asked_wait_s(httpx2.Headers(raw)) == pytest.approx(seconds)


def test_a_date_is_a_wait_until_then() -> None:
    soon = format_datetime(utc_now() + timedelta(seconds=60), usegmt=True)

    assert 57 < (asked_wait_s({"retry-after": soon}) or 0) <= 60


def test_pauses_grow_to_the_longest_and_are_never_the_same() -> None:
    pauses = Pauses(first_s=1.0, longest_s=5.0, growth=2.0)
    for tried, most in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (50, 5.0)):
        drawn = {pauses.after(tried) for _ in range(30)}
        assert len(drawn) > 1
        assert most / 2 <= min(drawn) <= max(drawn) <= most

    assert pauses.after(9, asked_s=0.0) == 0.0
