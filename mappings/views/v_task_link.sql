/*
title: Tasks once for each record they are about
needs:
  Task: [Id, WhoId, WhatId, IsClosed, ActivityDate, CreatedDate, OwnerId]
optional:
  Task: [CompletedDateTime, Subject]
params:
  touch_exclude_subjects: []   # LIKE patterns of tasks that are no contact, as automatic mails
*/
select t.Id as TaskId, t.WhoId as RecordId, t.IsClosed, t.ActivityDate, t.CreatedDate, t.CompletedDateTime, t.OwnerId
from live.Task t
where t.WhoId is not null
  and not exists (select 1 from cfg('touch_exclude_subjects') x where t.Subject like x.value)
union all
select t.Id, t.WhatId, t.IsClosed, t.ActivityDate, t.CreatedDate, t.CompletedDateTime, t.OwnerId
from live.Task t
where t.WhatId is not null
  and not exists (select 1 from cfg('touch_exclude_subjects') x where t.Subject like x.value)
