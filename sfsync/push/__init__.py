"""The only way a Change reaches the org, with a journal of what was there before: `push.run.push`."""
