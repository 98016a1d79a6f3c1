"""Where and how the HTTP API is served."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app import __version__
from app.core.config.kinds import ANY_CASE, Strings

LOOPBACK = ("127.0.0.1", "localhost", "::1")

Environment = Annotated[Literal["development", "test", "staging", "production"], ANY_CASE]


class ServerSettings(BaseModel):
    """The server and what it lets through."""

    environment: Environment = Field(
        "development", description="In staging and production unsafe settings are refused."
    )
    app_version: str = Field(__version__, description="Shown in the API's description.")
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=0, le=65535, description="0 for any that is free.")
    workers: int = Field(
        1, ge=1, le=64, description="Server processes. More than one wants REDIS_URL."
    )
    allowed_origins: Strings = Field(
        (), description="Web pages that may call from a browser (CORS); `*` for all."
    )
    cors_allow_credentials: bool = Field(
        False, description="Whether those pages may send cookies and such."
    )
    allowed_hosts: Strings = Field(
        (), description="Names the server answers to, `*.example.com` for a domain; default: all."
    )
    error_include_traceback: bool = Field(
        False, description="Python tracebacks in answers to unexpected errors. Development only."
    )
    body_timeout_s: float = Field(
        20.0, gt=0, description="Longest silence of a client that is sending its request."
    )
    send_timeout_s: float = Field(
        60.0, gt=0, description="Longest silence of a client that is reading its answer."
    )
    shutdown_grace_s: int = Field(
        30, ge=0, description="For requests under way when the server is told to stop."
    )
    max_upload_bytes: int = Field(50 * 1024 * 1024, ge=1, description="Longest recording.")
    max_voice_upload_bytes: int = Field(
        200 * 1024 * 1024,
        ge=1,
        description="All recordings of one request, a zip of them, or a bundle.",
    )

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK or self.host.startswith("127.")

    @property
    def unsafe_allowed(self) -> bool:
        return self.environment in ("development", "test")
