"""From observations to verdicts: rules, streams, clauses, levels, trust grades, efficiency."""
