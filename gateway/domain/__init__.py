"""The rules of the gateway as values and pure functions; standard library only."""
