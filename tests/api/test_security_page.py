"""docs/security.md says what the code does."""

import re
from itertools import pairwise
from pathlib import Path

from fastapi.testclient import TestClient

from app.core.config import Settings
from app.models.access import PERMISSIONS, Permission, Role
from tests.api.access_table import operations

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def test_the_table_of_roles_is_that_of_the_code() -> None:
    head = next(line for line in PAGE.splitlines() if line.startswith("| permission | lets |"))
    assert re.findall(r"`(\w+)`", head) == list(Role)
    rows = {}
    for line in PAGE.splitlines():
        if row := re.fullmatch(r"\| `(\w+:\w+)` \| [^|]+ \|(.*)\|", line):
            rows[row[1]] = [cell.strip() for cell in row[2].split("|")]

    assert rows == {
        permission: ["yes" if permission in PERMISSIONS[role] else "" for role in Role]
        for permission in Permission
    }


def test_each_role_may_all_that_the_one_before_it_may() -> None:
    for less, more in pairwise(Role):
        assert PERMISSIONS[less] < PERMISSIONS[more]


def test_the_settings_that_it_names_are_there() -> None:
    named = set(re.findall(r"\b(?:AUTH|OIDC|AZURE)_[A-Z_]+\b", PAGE))

    assert len(named) > 10
    assert named <= {name.upper() for name in Settings.model_fields}


def test_the_routes_about_keys_that_it_names_are_all(client: TestClient) -> None:
    named = set(re.findall(r"`(\w+ /api/v1/keys[^`?]*)", PAGE))

    assert named == {str(op) for op in operations(client) if op.permission == "keys:manage"}
