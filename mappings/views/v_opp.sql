/*
title: Deals with what their stage says, their last contact and the next planned one
optional:
  Opportunity: [LastActivityDate]
*/
select o.*,
       greatest2(case when o.LastActivityDate <= as_of() and x.day is null then o.LastActivityDate end, t.last_touch_date) as last_touch,
       coalesce(t.next_activity_date, case when o.LastActivityDate > as_of() and x.day is null then o.LastActivityDate end) as next_activity_date,
       coalesce(t.open_tasks, 0) as open_tasks
from v_opp_stage o
left join v_touch t on t.RecordId = o.Id
left join v_excluded_activity x on x.RecordId = o.Id and x.day = o.LastActivityDate
