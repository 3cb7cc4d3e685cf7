/*
title: Open leads with their last contact and the next planned one
optional:
  Lead: [LastActivityDate]
*/
select l.*,
       greatest2(case when l.LastActivityDate <= as_of() and x.day is null then l.LastActivityDate end, t.last_touch_date) as last_touch,
       coalesce(t.next_activity_date, case when l.LastActivityDate > as_of() and x.day is null then l.LastActivityDate end) as next_activity_date,
       coalesce(t.open_tasks, 0) as open_tasks
from v_open_lead l
left join v_touch t on t.RecordId = l.Id
left join v_excluded_activity x on x.RecordId = l.Id and x.day = l.LastActivityDate
