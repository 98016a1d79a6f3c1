import asyncio
import gc
import json
import logging
from typing import Any

import pytest

from app.core.exceptions import EngineFailed, VoiceNotFound
from app.core.logging import get_logger, request_scope, setup_logging

WORDS = "words that nobody else may read"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Any:
    """The lines written since the last call, read as JSON."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


@pytest.fixture
def in_request() -> Any:
    token = request_scope.set({"method": "GET"})
    yield
    request_scope.reset(token)


def test_a_line_has_time_level_event_logger_and_its_fields(lines: Any) -> None:
    setup_logging("info", "json")

    get_logger("app.some").info("spoke", chars=12, rtf=None)

    (line,) = lines()
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "spoke",
        "logger": "app.some",
        "request_id": "-",
        "chars": 12,
        "rtf": None,
    }


def test_loggers_of_the_standard_library_write_the_same_lines(lines: Any) -> None:
    setup_logging("info", "json")

    logging.getLogger("somebody.else").warning("%d of %s", 3, "four")

    (line,) = lines()
    assert (line["event"], line["level"], line["logger"]) == (
        "3 of four",
        "warning",
        "somebody.else",
    )


def test_debug_is_ours_only_since_other_packages_tell_values_there(lines: Any) -> None:
    setup_logging("debug", "json")

    get_logger("app.some").debug("ours")
    logging.getLogger("aiosqlite").debug("executing INSERT ... (%r)", WORDS)

    assert [line["event"] for line in lines()] == ["ours"]


def test_the_level_holds_and_the_last_setup_counts(lines: Any) -> None:
    setup_logging("debug", "pretty")
    setup_logging("warning", "json")

    get_logger("app.some").info("not this")
    get_logger("app.some").warning("this")

    assert [line["event"] for line in lines()] == ["this"]


def fail() -> None:
    private = WORDS
    try:
        raise ValueError(private)
    except ValueError as error:
        raise EngineFailed("The engine failed on our side.") from error


def test_an_exception_is_told_by_type_and_place_and_without_values(
    lines: Any, in_request: Any
) -> None:
    setup_logging("info", "json")

    try:
        fail()
    except EngineFailed:
        get_logger("app.some").exception("failed")

    (line,) = lines()
    outer, inner = line["exception"]
    assert outer["type"].endswith("EngineFailed")
    assert outer["message"] == "The engine failed on our side."
    assert outer["frames"][-1].endswith(" fail")
    assert inner["type"] == "builtins.ValueError"
    assert WORDS not in json.dumps(line)


def test_what_a_caller_typed_is_not_told_by_the_error_that_repeats_it(
    lines: Any, in_request: Any
) -> None:
    setup_logging("info", "json")

    logging.getLogger("app.some").error("failed", exc_info=VoiceNotFound(f"No voice {WORDS!r}."))

    assert WORDS not in json.dumps(lines())


def test_the_message_is_told_outside_of_requests_and_where_personal_data_may_be(
    lines: Any,
) -> None:
    setup_logging("info", "json")
    logging.getLogger("a").error("at start", exc_info=ValueError("no such port"))
    token = request_scope.set({"method": "GET"})
    setup_logging("info", "json", personal=True)
    logging.getLogger("a").error("in a request", exc_info=ValueError("no such word"))
    request_scope.reset(token)

    messages = [line["exception"][0]["message"] for line in lines()]
    assert messages == ["no such port", "no such word"]


def test_a_lost_task_does_not_tell_its_exception(lines: Any) -> None:
    setup_logging("info", "json")

    async def lose() -> None:
        async def broken() -> None:
            raise ValueError(WORDS)

        task = asyncio.ensure_future(broken())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(lose())

    told = [line for line in lines() if line["logger"] == "asyncio"]
    assert [line["event"] for line in told] == ["Task exception was never retrieved"]
    assert WORDS not in json.dumps(told)


def test_a_group_of_exceptions_is_told_with_its_members(lines: Any) -> None:
    setup_logging("info", "json")

    group = ExceptionGroup("both", [ValueError("one"), KeyError("two")])
    get_logger("app.some").error("failed", exc_info=group)

    (told,) = lines()[0]["exception"]
    assert [part[0]["type"] for part in told["group"]] == [
        "builtins.ValueError",
        "builtins.KeyError",
    ]


def test_pretty_lines_tell_the_same(capsys: pytest.CaptureFixture[str], in_request: Any) -> None:
    setup_logging("info", "pretty")

    try:
        fail()
    except EngineFailed:
        get_logger("app.some").exception("failed", chars=12, api_key="vc_abcdefgh")

    told = capsys.readouterr().err
    assert "chars=12" in told
    assert "EngineFailed" in told
    assert "ValueError" in told
    assert " fail\n" in told
    assert WORDS not in told
    assert "vc_abcdefgh" not in told
