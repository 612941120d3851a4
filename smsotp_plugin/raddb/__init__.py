"""The files that FreeRADIUS needs to run the plugin, and how they get into its configuration directory."""
