/*
title: Every value of every picklist field of every live record, and whether it is an active one; written out from the describe
needs:
  sfsync.fields: [sobject, field, type, picklist, restricted]
*/
select f.sobject, f.field as Id, f.field, f.field as value, f.restricted as known, f.restricted, f.restricted as is_open
from sfsync.fields f where 1 = 0
