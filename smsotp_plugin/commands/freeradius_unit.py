"""``smsotp freeradius unit``: a drop-in for FreeRADIUS's systemd unit that has it checked before each start."""

import sys
from pathlib import Path

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
    named = f" --config {_quote(config.absolute())}" if config else ""
    return _DROP_IN.format(command=_quote(command), raddb=_quote(raddb.absolute()), config=named)


def _quote(path: Path) -> str:
    """Write a path so that systemd takes it as one argument, see systemd.service(5) and systemd.unit(5)."""
    text = (
        str(path)
        .replace("\\", "\\\\")
        .replace("\n", "\\n")
        .replace('"', '\\"')
        .replace("%", "%%")
        .replace("$", "$$")
    )
    return text if text.isascii() and not set(text) & set(" \t'\\;") else f'"{text}"'
