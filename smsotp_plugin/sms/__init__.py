"""One SMS: its number and its text."""
