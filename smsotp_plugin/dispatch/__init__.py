"""From the queue to a gateway: nothing here is waited for by a log-in."""
