"""dialog-gateway: dialogue messages between an EPJ and Norsk Helsenett, with nothing lost."""

from importlib.metadata import PackageNotFoundError, version

PRODUCT = "dialog-gateway"

try:
    VERSION = version(PRODUCT)
except PackageNotFoundError:  # run from a source tree that is not installed
    VERSION = "0.0.0"
