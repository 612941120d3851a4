"""A database as the first factor, with the number from it, wired as docs/install.md tells."""

import contextlib
import sqlite3
from pathlib import Path

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .documented import body, documented
from .sites import AUTHORIZE, site_world
from .system import World

BOB = RadiusUser("bob", "secret-word-of-bob", "+491701234567")
CAROL = RadiusUser("carol", "secret-word-of-carol", "+491701234568")
NOBODY = RadiusUser("nobody", "secret-word-of-nobody")

_PASSWORD = (
    "INSERT INTO radcheck (username, attribute, op, value) VALUES ('{}', 'Cleartext-Password', ':=', '{}');"
)


def sql_world(path: Path, lookup: str = "") -> World:
    """Return a system with the distribution's module and schema on an SQLite file, and three people."""
    database = path / "users.db"

    def enable(server: FreeRadiusServer) -> None:
        schema = server.raddb / "mods-config/sql/main/sqlite/schema.sql"
        statements = [_PASSWORD.format(user.name, user.password) for user in (BOB, CAROL, NOBODY)]
        statements.append(documented("INSERT INTO radcheck", "sql"))
        statements.append("CREATE TABLE staff (login TEXT, phone TEXT);")
        statements.append(f"INSERT INTO staff VALUES ('{CAROL.name}', '{CAROL.phone}');")
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executescript(schema.read_text() + "\n".join(statements))
        text = (server.raddb / "mods-available/sql").read_text()
        for old, new in (
            ('driver = "rlm_sql_null"', 'driver = "rlm_sql_sqlite"'),
            ('dialect = "mysql"', 'dialect = "sqlite"'),
            ('filename = "/tmp/freeradius.db"', f'filename = "{database}"'),
        ):
            text = text.replace(old, new)
        (server.raddb / "mods-enabled/sql").write_text(text)

    return site_world(
        path / "world",
        users=[BOB, CAROL, NOBODY],
        authorize=AUTHORIZE.replace("\t\tfiles\n", f"\t\tsql\n{lookup}"),
        authenticate=body(documented("Auth-Type PAP")),
        before=enable,
    )


def test_password_and_number_come_from_the_table_of_the_check_items(tmp_path: Path) -> None:
    with sql_world(tmp_path) as world:
        assert world.log_in_wholly(BOB).code == "accept"
        assert world.server.log_in("bob", "wrong").code == "reject"
        refused = world.log_in(NOBODY)

        assert (refused.code, refused.prompt) == (
            "reject",
            "No code can be sent to you. Ask your administrator.",
        )
        assert world.codes_of(BOB) == [message.code for message in world.gateway.inbox.messages()]


def test_the_number_comes_from_a_table_of_ones_own(tmp_path: Path) -> None:
    with sql_world(tmp_path, lookup=documented("sql:SELECT phone FROM staff")) as world:
        assert world.log_in_wholly(CAROL).code == "accept"
        assert world.log_in(NOBODY).code == "reject"
