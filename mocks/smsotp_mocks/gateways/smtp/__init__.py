"""The mock gateway that takes mail."""
