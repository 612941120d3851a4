"""From the queue to a gateway: no log-in waits for anything here."""
