"""The commands of ``smsotp``, one module each."""
