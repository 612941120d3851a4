"""``smsotp freeradius unit``: a drop-in for FreeRADIUS's systemd unit that has it checked before each start."""

import sys
from pathlib import Path

from smsotp_plugin.commands.systemd import quote_path

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
    """
    command = Path(sys.executable).parent / "smsotp"
    named = f" --config {quote_path(config.absolute())}" if config else ""
    return _DROP_IN.format(command=quote_path(command), raddb=quote_path(raddb.absolute()), config=named)
