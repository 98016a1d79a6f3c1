"""Reading what `/metrics` says."""

from collections.abc import Mapping
from typing import Protocol

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class _Answer(Protocol):
    status_code: int
    text: str


class Client(Protocol):
    def get(self, url: str) -> _Answer: ...


def samples(text: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels; 0 if there are none."""

    def fits(found: Mapping[str, str]) -> bool:
        return labels.items() <= found.items()

    return sum(
        s.value for s in samples(text) if s.name == f"voice_cloning_{name}" and fits(s.labels)
    )


def scrape(client: Client) -> str:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return answer.text
