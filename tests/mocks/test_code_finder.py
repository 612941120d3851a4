import pytest

from smsotp_mocks.inbox.code_finder import find_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("123456", "123456"),
        ("Your code is 123456.", "123456"),
        ("123456 is your code, valid for 300 seconds.", "123456"),
        ("Your OTP value is 4711", "4711"),
        ("Ihr Code für Konto 4711 lautet 987654, gültig bis 2026", "987654"),
        ("Code 123-456", "123456"),
        ("Use A1B2C3 to log in", "A1B2C3"),
        ("Use KXWQPZ to log in", "KXWQPZ"),
        ("Call +491701234567 if 246810 is not yours", "246810"),
        ("Code for www.example.com\n\n@example.com #9f8g7h", "9f8g7h"),
        ("See https://example.com/123456", ""),
        ("It costs 1500.00 today", ""),
        ("Hello", "Hello"),
        ("No number here", ""),
        ("", ""),
    ],
)
def test_the_code_is_the_one_a_person_would_type(text: str, code: str) -> None:
    assert code == find_code(text)
