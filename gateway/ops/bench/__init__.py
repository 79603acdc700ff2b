"""Measured figures: the gateway beside the bare cryptography of the same run."""
