"""What is measured: `python -m benchmarks.steps NAME JSON` does one thing and prints what it came to as JSON."""
