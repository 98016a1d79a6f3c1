"""What dashboards, alerts and the documentation name is what the service tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.core import exceptions
from app.core.exceptions import AppError
from app.core.metrics import Metrics

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
SCRAPE = ROOT / "deploy/prometheus/prometheus.yaml"
PAGE = ROOT / "docs/monitoring.md"

# Of Prometheus itself.
FOREIGN_LABELS = {"job", "instance"}
SELECTOR = re.compile(r"(voice_cloning_\w+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"by \(([^)]*)\)")


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def alert_rules() -> list[dict]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def labels_by_sample() -> dict[str, set[str]]:
    """Name as it is scraped -> its labels."""
    known = {}
    for name, series in Metrics().series.items():
        labels = {*series.labels, *FOREIGN_LABELS}
        if series.kind == "histogram":
            known |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels}
            known[f"{name}_count"] = labels
        else:
            known[name] = labels
    return known


def mistakes(expression: str, known: dict[str, set[str]]) -> Iterator[str]:
    allowed: set[str] = set()
    for name, matchers in SELECTOR.findall(expression):
        if name not in known:
            yield f"no series {name}"
            continue
        allowed |= known[name]
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        yield from (f"{name} has no label {label}" for label in used - known[name])
    for group in GROUPING.findall(expression):
        yield from (f"no label {part}" for part in set(re.split(r",\s*", group)) - allowed)


@pytest.mark.parametrize(
    "expression", [*dashboard_expressions(), *(rule["expr"] for rule in alert_rules())]
)
def test_an_expression_names_series_and_labels_that_there_are(expression: str) -> None:
    assert expression.count("(") == expression.count(")")
    assert list(mistakes(expression, labels_by_sample())) == []


def test_the_check_of_expressions_finds_mistakes() -> None:
    known = labels_by_sample()

    for wrong in (
        "rate(voice_cloning_http_request_total[5m])",
        'rate(voice_cloning_http_requests_total{voice="x"}[5m])',
        "sum by (voice) (rate(voice_cloning_http_requests_total[5m]))",
        "rate(voice_cloning_queue_wait_seconds[5m])",
    ):
        assert list(mistakes(wrong, known)), wrong


def test_the_dashboard_shows_every_series() -> None:
    shown = "\n".join(dashboard_expressions())

    assert [name for name in Metrics().series if name not in shown] == []


def test_the_dashboard_asks_for_its_data_source() -> None:
    board = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]

    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows == ["Traffic", "Latency", "Speech", "Limits", "Jobs", "Engine"]


def test_alerts_name_codes_that_there_are() -> None:
    codes = {
        error.code
        for error in vars(exceptions).values()
        if isinstance(error, type) and issubclass(error, AppError)
    }
    named = {
        code
        for rule in alert_rules()
        for alternatives in re.findall(r'code=~?"([^"]*)"', rule["expr"])
        for code in alternatives.split("|")
    }

    assert named
    assert named <= codes


def test_every_alert_says_how_bad_it_is_and_is_explained() -> None:
    page = PAGE.read_text()

    for rule in alert_rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in page


def test_what_scales_the_servers_is_measured() -> None:
    adapter = (ROOT / "deploy/k8s/examples/prometheus-adapter.yaml").read_text()
    made = set(re.findall(r"as: (voice_cloning_\w+)", adapter))

    assert set(re.findall(r"voice_cloning_\w+", adapter)) - made <= set(labels_by_sample())


def test_the_example_of_a_scrape_reads_the_alerts() -> None:
    config = yaml.safe_load(SCRAPE.read_text())

    assert [SCRAPE.with_name(name) for name in config["rule_files"]] == [ALERTS]
    assert config["scrape_configs"][0]["metrics_path"] == "/metrics"


def test_the_page_lists_every_series_with_its_labels() -> None:
    rows = re.findall(
        r"^\| `(voice_cloning_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE.read_text(), re.M
    )
    listed = {name: (kind, labels, text) for name, kind, labels, text in rows}

    told = {
        name: (series.kind, ", ".join(f"`{label}`" for label in series.labels) or "-", series.text)
        for name, series in Metrics().series.items()
    }
    assert listed == told
