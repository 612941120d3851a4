"""SMS one-time passwords as a second factor for FreeRADIUS."""

__version__ = "0.1.0"
