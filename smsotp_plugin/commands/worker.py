"""``smsotp worker``: takes messages from the queue and sends them; and its systemd unit."""

import sys
from pathlib import Path

from smsotp_plugin import worker
from smsotp_plugin.commands.systemd import quote_path

#: A worker that was told to end goes on sending what it has for 60 seconds; systemd waits a little longer.
_UNIT = """\
# Sends the SMS of FreeRADIUS servers on any machine: systemctl enable --now smsotp-worker@1 smsotp-worker@2
# Written by: smsotp worker --unit
[Unit]
Description=smsotp worker %i
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command} worker --config {config}
User={user}
Restart=always
RestartSec=1
TimeoutStopSec=90
KillMode=mixed
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
"""


def run_worker(config: Path) -> None:
    """Run as a worker until told to end; the log goes to standard error, as systemd wants it."""
    worker.run(config, _print_line)


def write_unit(config: Path, user: str) -> str:
    """
    Return the text of the systemd unit ``smsotp-worker@.service``.

    Args:
        config: The plugin's configuration.
        user: The user that a worker runs as.
    """
    command = Path(sys.executable).parent / "smsotp"
    return _UNIT.format(command=quote_path(command), config=quote_path(config.absolute()), user=user)


def _print_line(level: int, line: str) -> None:
    del level
    print(line, file=sys.stderr, flush=True)  # noqa: T201  (this is a command)
