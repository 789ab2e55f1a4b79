"""Grade an agent's agency level, trust grade and efficiency class on evidence anyone can check."""

__version__ = "0.1.0"
