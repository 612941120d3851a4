"""``python -m smsotp_plugin`` is the command ``smsotp``."""

from smsotp_plugin.cli import main

main()
