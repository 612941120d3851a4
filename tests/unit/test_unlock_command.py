"""``smsotp unlock`` ends a lock, and ``smsotp check`` says how likely somebody guesses a code."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_plugin.assembly import build_codes, build_store
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.commands.check import check_configuration
from smsotp_plugin.commands.unlock import unlock
from smsotp_plugin.errors import ChallengeError, TooManyGuesses
from smsotp_plugin.settings import load_settings
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.guesses import Guesser, GuessRules, station_place
from tests.support.parcels import begin

NUMBER = "+491701234567"
RULES = GuessRules(free=1, most=5, first_wait=30, longest_wait=3600, lock=86_400, known_for=86_400)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "smsotp.toml"
    path.write_text(f"""
[store]
url = "sqlite://{tmp_path}/smsotp.db"
[users]
default_region = "DE"
[gateways.any]
provider = "script"
SCRIPT = "/bin/true"
""")
    return path


@pytest.fixture
def answer(config: Path) -> Iterator[Callable[[], ChallengeError]]:
    """Give a wrong answer as bob; returns what it raised."""
    settings = load_settings(config)
    names = build_codes(settings).names
    guesser = Guesser(names.accounts("bob"), (station_place("cafe"),), RULES)
    number_hash = names.number_hash(parse_number(NUMBER, None))
    with closing(build_store(settings, clock := SystemClock())) as store:
        states = iter(range(100))

        def answer() -> ChallengeError:
            state, now = f"{next(states):032x}", clock.time()
            new = Challenge(state, "bob", state, "c", "a", "+49", number_hash, now, now + 300, 3)
            begin(store, new)
            with pytest.raises(ChallengeError) as raised:
                store.answer(state, "bob", "b", now, guesser)
            return raised.value

        yield answer


@pytest.mark.parametrize("whom", ["bob", "EXAMPLE\\Bob ", "bob@example.org", NUMBER, "0170 1234567"])
def test_a_locked_person_is_unlocked_by_any_spelling_beside_a_running_server(
    config: Path, capsys: pytest.CaptureFixture[str], answer: Callable[[], ChallengeError], whom: str
) -> None:
    for _ in range(5):
        answer()
    assert isinstance(answer(), TooManyGuesses)

    assert unlock(config, whom) == 0

    assert "5 wrong codes are forgotten; the next code comes at once." in capsys.readouterr().out
    assert not isinstance(answer(), TooManyGuesses)


def test_who_has_no_wrong_codes_is_told_so(
    config: Path, capsys: pytest.CaptureFixture[str], answer: Callable[[], ChallengeError]
) -> None:
    answer()

    assert unlock(config, "alice") == 1
    assert 'no wrong codes are counted for "alice"' in capsys.readouterr().err
    assert unlock(config, "bob") == 0
    assert "1 wrong code is forgotten" in capsys.readouterr().out


def test_nothing_is_made_where_no_server_has_run(
    config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert unlock(config, "bob") == 1
    assert "there is no key" in capsys.readouterr().err
    with config.open("a") as text:
        text.write("[store.more]\n")
    assert unlock(config, "bob") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["smsotp.toml"]


def test_no_database_is_made_for_it(config: Path, tmp_path: Path) -> None:
    build_codes(load_settings(config))

    assert unlock(config, "bob") == 1
    assert not (tmp_path / "smsotp.db").exists()


@pytest.mark.parametrize(
    ("settings", "arithmetic"),
    [
        ("", "50 of 1000000 codes for each user and day: 1 in 20000"),
        ("[guesses]\nmost = 100", "100 of 1000000 codes for each user and day: 1 in 10000"),
        (
            "[guesses]\nfree = 1\nmost = 10\n[otp]\nlength = 5",
            "10 of 100000 codes for each user and day: 1 in 10000",
        ),
        (
            "[guesses]\nfree = 1\nmost = 1\n[otp]\nlength = 4",
            "1 of 10000 codes for each user and day: 1 in 10000",
        ),
    ],
)
def test_the_check_prints_how_likely_a_guess_is(
    config: Path, capsys: pytest.CaptureFixture[str], settings: str, arithmetic: str
) -> None:
    config.write_text(f"{settings}\n{config.read_text()}")

    assert check_configuration(config) == 0
    assert arithmetic in " ".join(capsys.readouterr().out.split())
