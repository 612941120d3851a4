"""`python -m smsotp_mocks.demo`: log users in through real servers and show every step as it happens."""
