"""Single settings, as people write them."""
