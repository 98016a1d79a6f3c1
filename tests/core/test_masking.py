import json
import time

import pytest

from app.core.masking import MASK, masked, masked_field, masked_text

KEY = "vc_4f9a1b_Zx81hQdT0s7LkQm"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJl-_x"  # noqa: S105
PASSWORD = "s3cr3t/p@ss"  # noqa: S105


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"the key {KEY}, and more", KEY),
        (f'{{"nested": "{TOKEN}"}}', TOKEN),
        (f"cut off: {TOKEN[:24]}", TOKEN[:24]),
        (f"postgresql+psycopg://voice:{PASSWORD}@db.example/voices", PASSWORD),
        (f"password={PASSWORD} host=db", PASSWORD),
        ("?sv=2025-01-05&se=2026&sig=aB3%2FxYz%3D&sp=r", "aB3%2FxYz%3D"),
        ("AccountName=a;AccountKey=Zm9vYmFyYmF6cXV4==;EndpointSuffix=x", "Zm9vYmFyYmF6cXV4=="),
        ("InstrumentationKey=0c8d3f1f-6a52;IngestionEndpoint=x", "0c8d3f1f-6a52"),
        ("Authorization: Bearer 0123456789abcdef", "0123456789abcdef"),
        ('{"client_secret": "two words", "a": 1}', "two words"),
        ('{"client_secret": "cut of', "cut of"),
        ("X-API-Key: plainkeyvalue", "plainkeyvalue"),
    ],
)
def test_a_secret_is_masked_wherever_it_stands(text: str, secret: str) -> None:
    assert secret not in masked_text(text)
    assert MASK in masked_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "The keyboard is a token of love, a basic secret.",
        "550e8400-e29b-41d4-a716-446655440000",
        "/voices/{voice_id}/synthesize",
        "https://example.com/a?limit=5",
        "app.services.voices:123 VoiceService.register",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked_text(text) == text


def test_fields_are_masked_by_name_at_any_depth() -> None:
    body = {"items": [{"api_key": "a", "name": "b", "token": {"x": 1}}], "password": "", "n": 1}

    assert masked(body) == {
        "items": [{"api_key": MASK, "name": "b", "token": MASK}],
        "password": MASK,
        "n": 1,
    }


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "cookie", "Set-Cookie", "apiKey"])
def test_headers_that_carry_secrets_are_masked_whole(name: str) -> None:
    assert masked_field(name, "anything") == MASK


def test_long_and_hostile_texts_are_masked_in_linear_time() -> None:
    hostile = ["://" * 3000, "a" * 9000, "key" * 3000, '"\\' * 4000, "eyJ" * 3000, "key=" * 2000]
    start = time.process_time()
    for text in hostile:
        masked_text(json.dumps(text))
    assert time.process_time() - start < 5  # seconds; a backtracking pattern takes minutes
