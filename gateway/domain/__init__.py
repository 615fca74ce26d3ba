"""What the exchange is about: pure values, states, rules and ports."""
