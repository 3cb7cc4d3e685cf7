/*
title: The stages of each record type's sales process, where the org told them; written out from what record types have
needs:
  sfsync.picklists: [sobject, record_type, field, listed]
*/
select p.record_type, p.field as stage from sfsync.picklists p where 1 = 0
