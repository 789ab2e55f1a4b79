"""Many trials: plan, schedule, journal, resume."""
