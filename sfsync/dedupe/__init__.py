"""Records that are one real thing: block → compare → score → cluster → survive. Start at `sfsync.dedupe.run.dedupe`."""
