"""The flow of a log-in: decisions only."""
