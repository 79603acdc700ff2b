"""The journal on SQLite or PostgreSQL: tables, store, migrations."""
