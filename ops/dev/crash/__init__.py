"""Kill -9 under load, checked from outside: `./dev crash`.

A real system runs under a supervisor, agencies send and take documents over `/v1`, something is killed
again and again, and afterwards a checker judges what the clients wrote down. The clients' journals lie
outside the system and are fsynced line by line. See `python -m ops.dev.crash --help`.
"""
