/*
title: Days of a record's done tasks that are no contact; LastActivityDate counts them all the same
stored: true
needs:
  Task: [Id, WhoId, WhatId, IsClosed, ActivityDate]
optional:
  Task: [Subject]
params:
  touch_exclude_subjects: []   # LIKE patterns of tasks that are no contact, as automatic mails
*/
select distinct k.RecordId, k.day
from (select t.WhoId as RecordId, t.ActivityDate as day from live.Task t
      where t.WhoId is not null and t.IsClosed is true
        and exists (select 1 from cfg('touch_exclude_subjects') x where t.Subject like x.value)
      union all
      select t.WhatId, t.ActivityDate from live.Task t
      where t.WhatId is not null and t.IsClosed is true
        and exists (select 1 from cfg('touch_exclude_subjects') x where t.Subject like x.value)) k
where k.day is not null
