"""Raw values of records → comparable ones: e-mail, phone, company, person, country, web domain, text hygiene.

Each module holds pure functions of text to text: None for blank or unusable input, never an exception, and normalising
twice gives the same as once. `table` keeps their results in `sfsync.norm_<sObject>`, one row per live record.
"""
