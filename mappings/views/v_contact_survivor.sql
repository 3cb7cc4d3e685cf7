/*
title: Merged-away contacts and the live one that stands for them, through any chain of merges
stored: true
optional:
  salesforce.Contact: [Id, MasterRecordId, _deleted_reason]
*/
with recursive up as (
  select x.Id, x.MasterRecordId as cur, 1 as depth from salesforce.Contact x
  where x._deleted_reason is not null and x.MasterRecordId is not null
  union all
  select u.Id, p.MasterRecordId, u.depth + 1 from up u join salesforce.Contact p on p.Id = u.cur
  where p._deleted_reason is not null and p.MasterRecordId is not null and u.depth < 20
)
select u.Id, u.cur as survivor_id
from up u join salesforce.Contact s on s.Id = u.cur
where s._deleted_reason is null
