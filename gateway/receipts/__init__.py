"""What came back about what we sent, and what we answer: correlate, confirm, report."""
