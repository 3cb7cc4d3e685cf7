/*
title: The day of a record's first completed task
*/
select t.RecordId, min(coalesce(local_date(t.CompletedDateTime), t.ActivityDate, local_date(t.CreatedDate))) as first_touch_date
from v_task_link t where t.IsClosed is true group by t.RecordId
