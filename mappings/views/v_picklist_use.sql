/*
title: Every value of every picklist field of every live record, whether it is an active one and, if so, whether the record's type has it; written out from the describe and what record types have
needs:
  sfsync.fields: [sobject, field, type, picklist, restricted]
*/
select f.sobject, f.field as Id, f.field, f.field as value, f.restricted as known, f.restricted, f.restricted as is_open,
       f.restricted as in_type, f.field as record_type, f.field as whole, f.restricted as several
from sfsync.fields f where 1 = 0
