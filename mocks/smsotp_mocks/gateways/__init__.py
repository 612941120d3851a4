"""The mock gateways."""
