"""``smsotp freeradius unit``: a drop-in for FreeRADIUS's systemd unit that has it checked before each start."""

import sys
from pathlib import Path

from smsotp_plugin.commands.systemd import quote_path
from smsotp_plugin.commands.terminal import looks_at_server
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.tree import Raddb

_DROP_IN = """\
# Says in the journal what keeps FreeRADIUS from starting. Written by: smsotp freeradius unit
[Service]
ExecStartPre={command} freeradius check --before-start --raddb {raddb}{config}
"""


def drop_in(raddb: Path, config: Path | None) -> str:
    """
    Return the text of the drop-in.

    Args:
        raddb: FreeRADIUS's configuration directory.
        config: The plugin's configuration; None leaves it to the installed module.

    Raises:
        ConfigError: One of them is not there or cannot be read, so FreeRADIUS would not start again.
    """
    with looks_at_server():
        Raddb(raddb)
    if config and not config.is_file():
        raise ConfigError([f"{config} is not a file: --config names the plugin's configuration"])
    command = Path(sys.executable).parent / "smsotp"
    named = f" --config {quote_path(config.absolute())}" if config else ""
    return _DROP_IN.format(command=quote_path(command), raddb=quote_path(raddb.absolute()), config=named)
