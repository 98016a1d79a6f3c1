"""What is made in the background: it goes on by one step with each look at it."""

from dataclasses import dataclass
from typing import Any

STEPS = ("NotStarted", "Running")


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


@dataclass
class Making:
    """Something that is made in the background. `fails`: why, in the end."""

    body: dict[str, Any]
    files: list[bytes]
    fails: str | None
    looks: int = 0

    def seen(self) -> dict[str, Any]:
        status = STEPS[self.looks] if self.looks < len(STEPS) else self.ended
        self.looks += 1
        more = {"properties": {"failureReason": self.fails}} if status == "Failed" else {}
        return self.body | {"status": status} | more

    @property
    def ended(self) -> str:
        return "Succeeded" if self.fails is None else "Failed"

    @property
    def succeeded(self) -> bool:
        return self.fails is None and self.looks > len(STEPS)
