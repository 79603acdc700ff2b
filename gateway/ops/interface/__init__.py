"""The EPJ interface as documents: ``python -m gateway.ops.interface`` writes them to ``docs/``.

Made from the models that the gateway reads JSON with, so that they cannot say
anything else than what the gateway does. Needs the development dependencies.
"""
