"""The ledger: everything the exchange remembers, in SQLite or PostgreSQL.

`ledger.open_ledger(url)` gives the ledger ports over one `engine.Database`; `migrate.upgrade(url)`
makes or changes the tables. All SQL of the product is in this folder, one module per port, and the same
statements run on both databases; what the two spell differently is in `dialects.py` and `engine.py`.
Nothing outside this folder sees an exception of SQLAlchemy or of a driver.
"""
