"""Servers that tests start: FreeRADIUS, Redis."""
