"""What is told about the running service."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from app.core.config.kinds import ANY_CASE

LogLevel = Annotated[Literal["debug", "info", "warning", "error", "critical"], ANY_CASE]


class TelemetrySettings(BaseModel):
    """Logs, metrics, traces."""

    log_level: LogLevel = Field(
        "info", description="debug, info, warning, error or critical: that and worse is logged."
    )
    log_format: Annotated[Literal["auto", "json", "pretty"], ANY_CASE] = Field(
        "auto", description="auto: pretty on a terminal, else JSON."
    )
    log_requests: bool = Field(True, description="A line for each request that comes in.")
    log_responses: bool = Field(True, description="A line for each answer, with its duration.")
    log_request_body: bool = Field(False, description="Holds personal data: texts and names.")
    log_response_body: bool = Field(False, description="Holds personal data. Never audio.")
    log_headers: bool = Field(False, description="Those that carry secrets are masked.")

    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for /metrics. Without it admins may read them."
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector that gets the traces. Needs the extra `otel`."
    )
    otel_service_name: str = Field("voice-cloning-api", description="Name in the traces.")
    applicationinsights_connection_string: SecretStr | None = Field(
        None, description="Traces to Azure Monitor. Needs the extra `azure-monitor`."
    )
    traces_sample_ratio: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of traces that are sent; whether a caller's is, the caller has decided. "
        "At 1, OTEL_TRACES_SAMPLER holds.",
    )
