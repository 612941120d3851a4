"""The mock SMSC."""
