"""Bytes to domain values and back; no I/O, no clock, no logging."""
