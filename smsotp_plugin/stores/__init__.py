"""Where challenges live between the two legs of a log-in."""
