/*
title: The top of each account's hierarchy; accounts below a loop have none and are left out
optional:
  Account: [Id, ParentId]
*/
with recursive down as (
  select a.Id, a.Id as root_id, 1 as depth from live.Account a
  where not exists (select 1 from live.Account p where p.Id = a.ParentId)
  union all
  select a.Id, d.root_id, d.depth + 1 from down d join live.Account a on a.ParentId = d.Id
  where d.depth < 50
)
select d.Id, d.root_id from down d
