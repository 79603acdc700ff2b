"""One outside system each; every module here implements a port."""
