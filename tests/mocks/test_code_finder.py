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
        ("Code:551122", "551122"),
        ("TAN-551122", "551122"),
        ("M-551122 is your code", "551122"),
        ("G-551122 is your Google verification code.", "551122"),
        ("Order 20261125: your code is 551122", "551122"),
        ("Konto 12345678, TAN 4711", "4711"),
        ("Login 11223344 at 12:30. PIN: 98-7654 or PIN 551122", "551122"),
        ("Ref 123456. Your one-time password for ACME is: 551122", "551122"),
        ("Account 654321 OTP=551122", "551122"),
        ("123456 ist Ihre Kundennummer, Ihr Einmalcode lautet 551122.", "551122"),
        ("Vorgang 123456 SMS-Code „551 122“", "551122"),
        ("Your code (551122) expires at 12:30", "551122"),
        ("551122 is your code for order 20261125", "551122"),
        ("Your code is in the letter of 20261125", "20261125"),
        ("The pincode area 551122", "551122"),
        ("Spinning 4711", "4711"),
        ("Code AB12CD", "AB12CD"),
        ("code 1234.56", ""),
        ("Hello", "Hello"),
        ("No number here", ""),
        ("", ""),
    ],
)
def test_the_code_is_the_one_a_person_would_type(text: str, code: str) -> None:
    assert code == find_code(text)
