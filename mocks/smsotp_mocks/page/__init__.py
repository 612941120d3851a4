"""The page that shows the inbox, and its API."""
