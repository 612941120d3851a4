"""How commands read and lift budgets in the SQLite file, whether or not a server is using it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.budgets import BudgetRules, Count, Usage
from smsotp_plugin.stores.sqlite.answers import lift_brakes, list_brakes
from smsotp_plugin.stores.sqlite.beside import open_beside, read_beside
from smsotp_plugin.stores.sqlite.budgets import Ledger

_COUNTS = "SELECT day, name, number FROM counts ORDER BY day, name"
_DAY = 86400
#: Owners that no store has: one for what a command lifts, one for a command that only looks and so has to see what was lifted.
_LIFTER, _READER = 0, -1


def read_limits_in_file(path: Path, rules: BudgetRules, keys: Sequence[str], clock: Clock) -> Usage:
    """See `StoreKind.read_limits`."""
    with read_beside(path) as connection:
        ledger = Ledger(rules, _READER, clock)
        ledger.catch_up(connection)
        counts = [
            Count(datetime.fromtimestamp(day * _DAY, UTC).date(), name, number)
            for day, name, number in connection.execute(_COUNTS)
        ]
        brakes = list_brakes(connection)
    spent = {key: ledger.windows.spent(key) for key in keys}
    return Usage(
        clock.time(),
        counts,
        {key: each for key, each in spent.items() if any(used for _, used in each)},
        brakes,
    )


def lift_limits_in_file(path: Path, keys: Sequence[str], clock: Clock) -> int:
    """See `StoreKind.lift_limits`."""
    with open_beside(path) as connection:
        ledger = Ledger(BudgetRules(), _LIFTER, clock)
        ledger.lift(tuple(keys))
        connection.execute("BEGIN IMMEDIATE")
        ledger.write(connection, ledger.take())
        lifted = lift_brakes(connection, keys)
        connection.execute("COMMIT")
    return lifted
