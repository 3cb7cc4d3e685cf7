"""Measurements of sfsync against named baselines, in one run on one machine. See docs/performance.md."""
