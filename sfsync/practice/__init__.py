"""A local Salesforce org over HTTP, stricter than the real one: for rehearsals, demos and tests."""
