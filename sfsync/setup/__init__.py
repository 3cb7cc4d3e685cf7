"""Getting started: write the config, test it, and hold the mappings against the org."""
