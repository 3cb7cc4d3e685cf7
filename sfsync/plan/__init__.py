"""What shall be written, in a file people can read: `plan.build.build`, `plan.file.read_plan`, `plan.review.accept`."""
