"""Where pending log-ins are kept."""
