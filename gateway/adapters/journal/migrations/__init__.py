"""The journal's schema, revision by revision; run in-process by ``schema.upgrade``."""
