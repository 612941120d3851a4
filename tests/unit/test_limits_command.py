"""``smsotp limits`` shows what counts for somebody and what was refused, and lifts it, beside a running server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_plugin.assembly import build_codes
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.commands.limits import show_limits
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.login.budget_keys import NO_CODE
from smsotp_plugin.login.budgets import Budgets, make_rules
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.shares import AnswerShares
from smsotp_plugin.settings import load_settings
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock, Waits
from tests.support.login_bench import NUMBER, request


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "smsotp.toml"
    path.write_text(f"""
[store]
url = "sqlite://{tmp_path}/smsotp.db"
[users]
default_region = "DE"
[limits]
per_user = ["3/h"]
[gateways.any]
provider = "script"
SCRIPT = "/bin/true"
""")
    return path


class Running:
    """What a server does with budgets."""

    def __init__(self, config: Path) -> None:
        settings, clock = load_settings(config), SystemClock()
        rules = make_rules(settings.limits)
        self.store = SqliteStore(config.parent / "smsotp.db", 30.0, 86_400.0, clock, rules)
        names = build_codes(settings).names
        pumping = PumpingWatch(settings.limits, names, self.store, clock)
        self.budgets = Budgets(settings.limits, names, self.store, clock, pumping=pumping)

    def close(self) -> None:
        self.store.close()

    def send(self, purpose: str = "") -> str:
        cost = self.budgets.calculate(request(), parse_number(NUMBER, None), "text", purpose)
        try:
            self.budgets.check(request(), parse_number(NUMBER, None), cost)
            self.budgets.spend(cost)
        except OverBudget as exc:
            return str(self.budgets.is_news(exc))
        return "sent"


@pytest.fixture
def server(config: Path) -> Iterator[Running]:
    with closing(Running(config)) as running:
        yield running


@pytest.mark.parametrize("whom", ["bob", "EXAMPLE\\Bob ", "bob@example.org"])
def test_what_somebody_has_spent_is_shown_and_lifted_beside_a_running_server(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str], whom: str
) -> None:
    ended = [server.send() for _ in range(5)]
    server.store.flush()
    shown = show_limits(config, whom, lift=False), capsys.readouterr().out
    lifted = show_limits(config, whom, lift=True)
    server.store.tidy(SystemClock().time())

    assert ended == ["sent", "sent", "sent", "True", "False"]
    assert shown[0] == lifted == 0
    assert "3 of 3 SMS (per_user = 3/h)" in shown[1]
    assert server.send() == "sent"


def test_what_was_lifted_is_shown_no_more(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    server.send()
    server.store.flush()
    show_limits(config, "bob", lift=True)
    capsys.readouterr()
    show_limits(config, "bob", lift=False)

    assert capsys.readouterr().out == '"bob": no SMS counts at present\n'


@pytest.mark.parametrize("whom", ["bob", NUMBER])
def test_notifications_are_told_apart_from_codes(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str], whom: str
) -> None:
    ended = [server.send(), server.send(), server.send(NO_CODE)]
    server.store.flush()
    show_limits(config, whom, lift=False)

    lines = capsys.readouterr().out.splitlines()
    assert ended == ["sent"] * 3
    assert [line.split(": ")[1].split(" (")[0] for line in lines if "/h)" in line] == {
        "bob": ["2 of 3 SMS", "1 of 3 notifications"],
        NUMBER: ["2 of 10 SMS", "1 of 10 notifications"],
    }[whom]


def test_a_number_has_a_budget_of_its_own(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    server.send()
    server.store.flush()
    show_limits(config, "0170 1234567", lift=False)

    assert "1 of 10 SMS (per_number = 10/h)" in capsys.readouterr().out


def test_what_was_refused_is_counted(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(8):
        server.send()
    server.store.flush()
    show_limits(config, "", lift=False)

    out = capsys.readouterr().out
    assert "per_user = 3/h" in out
    assert "per_user refused: 5 today, 5 in 32 days" in out
    assert "\n\n\n" not in out


@pytest.mark.parametrize("whom", ["+491701230000", "0170 1230099", "+49170123"])
def test_a_brake_is_shown_and_lifted_by_its_name_and_by_a_number(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str], whom: str
) -> None:
    watch = server.budgets.pumping
    clock = FakeClock(SystemClock().time(), Waits.NOT_AT_ALL)
    watch._clock = clock
    watch._shares = AnswerShares(clock.monotonic())
    for number in range(20):
        for block in ("+49170123", "+49170999"):
            watch.note_sent(f"{block} {number}", request(), parse_number(f"{block}{number:04d}", None))
    clock.advance(200)
    watch.keep()
    shown = show_limits(config, "", lift=False), capsys.readouterr().out
    lifted = show_limits(config, whom, lift=True), capsys.readouterr().out
    gone = show_limits(config, "", lift=False), capsys.readouterr().out

    assert [code for code, _ in (shown, lifted, gone)] == [0, 0, 0]
    lines = [
        f"numbers that begin with {block}: would get no SMS (limits.pumping) until"
        for block in ("+49170123", "+49170999")
    ]
    assert [lines[0] in out for _, out in (shown, lifted, gone)] == [True, True, False]
    assert [lines[1] in out for _, out in (shown, lifted, gone)] == [True, False, True]


def test_without_a_name_nothing_is_lifted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_limits(config, "", lift=True) == 1
    assert "say what to lift" in capsys.readouterr().err


def test_of_somebody_for_whom_nothing_counts_that_is_said(
    config: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    server.store.flush()

    assert show_limits(config, "anna", lift=False) == 0
    assert '"anna": no SMS counts at present' in capsys.readouterr().out


def test_without_a_store_that_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_limits(config, "", lift=False) == 1
    assert "there is no database" in capsys.readouterr().err
