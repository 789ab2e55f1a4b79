"""The leaderboard: submissions that re-grade clean, as tables, exports, badges and pages."""
