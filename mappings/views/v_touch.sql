/*
title: What the tasks of a record say - last contact, next planned one, open and overdue ones
stored: true
*/
select k.RecordId,
       max(case when k.IsClosed is true and k.done <= as_of() then k.done end) as last_touch_date,
       min(case when k.IsClosed is not true and k.ActivityDate >= as_of() then k.ActivityDate end) as next_activity_date,
       sum(case when k.IsClosed is not true then 1 else 0 end) as open_tasks,
       sum(case when k.IsClosed is not true and k.ActivityDate < as_of() then 1 else 0 end) as overdue_tasks
from (select t.RecordId, t.IsClosed, t.ActivityDate,
             coalesce(local_date(t.CompletedDateTime), t.ActivityDate, local_date(t.CreatedDate)) as done
      from v_task_link t) k
group by k.RecordId
