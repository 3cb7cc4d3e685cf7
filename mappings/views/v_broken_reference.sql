/*
title: References that point at no live record, with state deleted or missing; written out from the describe
stored: true
needs:
  sfsync.fields: [sobject, field, type, reference_to]
*/
select f.sobject, f.field as Id, f.field, l.target_id, l.state
from sfsync.fields f join v_lost_reference l on l.targets = f.sobject where 1 = 0
