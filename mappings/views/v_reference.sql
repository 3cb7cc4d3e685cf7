/*
title: Every filled reference field of every live record, of the objects that are kept; written out from the describe
needs:
  sfsync.fields: [sobject, field, type, reference_to]
*/
select f.sobject, f.field as Id, f.field, f.field as target_id from sfsync.fields f where 1 = 0
