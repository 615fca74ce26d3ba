"""Handing work over, in process or through RabbitMQ. No decisions: the ledger holds the record."""
