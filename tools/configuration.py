"""Writes `.env.example` and docs/configuration.md from the settings, so that neither can be wrong.

python tools/configuration.py
"""

from pathlib import Path

from app.core.config.show import SECTIONS, default_of, env_example

_ROOT = Path(__file__).parents[1]
_INTRODUCTION = """\
# Configuration

Every setting is an environment variable. `.env` in the working directory is read too, and where
`ENVIRONMENT=test` so is `test.env`, which goes before it; the environment goes before both. An
empty variable counts as one that is not set. Lists are separated by commas. `.env.example` holds
all of them with their defaults.

`voice-cloning config show` prints the settings in effect, secrets masked, and checks them as a
start does: names in `.env` that no setting has are warned of, and outside `ENVIRONMENT=development`
and `test` the server does not start with

- `AUTH_MODE=off`,
- `ERROR_INCLUDE_TRACEBACK=true`,
- `LOG_REQUEST_BODY` or `LOG_RESPONSE_BODY`,
- a secret that is an example's or a well-known default (`your-...`, `changeme`, `postgres`, the
  storage emulator's key),

and nowhere with settings that contradict each other, such as `ALLOWED_ORIGINS=*` with
`CORS_ALLOW_CREDENTIALS=true`, or that cannot mean anything, such as the `DATABASE_URL` of another
database.
"""


def documentation() -> str:
    """The text of docs/configuration.md."""
    parts = [_INTRODUCTION]
    for title, section in SECTIONS.items():
        rows = [
            f"| `{name.upper()}` | {_code(default_of(section, name))} | {field.description or ''} |"
            for name, field in section.model_fields.items()
        ]
        head = [f"## {title}", "", "| variable | default | |", "|---|---|---|"]
        parts.append("\n".join([*head, *rows, ""]))
    return "\n".join(parts)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    (_ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    (_ROOT / "docs" / "configuration.md").write_text(documentation(), encoding="utf-8")
