"""Everything that is said to a Salesforce org. `sfsync.salesforce.org.Org` is the door; the rest serves it."""
