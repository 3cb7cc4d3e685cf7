"""Which leads to work first, and who should: `score.scores`, `assign.assign`. Neither writes to the org."""
