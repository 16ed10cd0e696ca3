"""Speed and memory against keras and torch, and tasks with a known answer. Run by hand, not by the tests."""
