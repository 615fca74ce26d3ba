"""The tools of the house: demo, bench, crash, and the private servers they and the tests use."""
