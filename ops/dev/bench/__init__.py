"""Speed and memory: `./dev bench exchange`. Figures are for reading, never a test's verdict."""
