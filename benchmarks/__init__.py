"""Speed against keras and torch, and known answers; run by hand, never inside the tests."""
