/*
title: How long deals that were won lately stood in each stage, and how long it then took to win them, in days
stored: true
needs:
  Opportunity: [Id, IsWon, CloseDate]
params:
  benchmark_days: 548   # how far back a win counts
*/
select x.stage, count(*) as won_passages,
       percentile_cont(0.5) within group (order by x.days) as median_days,
       percentile_cont(0.5) within group (order by x.remaining) as median_remaining
from (select e.OpportunityId, e.stage,
             sum(days_between(local_date(e.entered), local_date(e.left_at))) as days,
             max(days_between(local_date(e.entered), o.CloseDate)) as remaining
      from v_stage_entry e
      join live.Opportunity o on o.Id = e.OpportunityId
      where o.IsWon is true and e.left_at is not null
        and days_between(o.CloseDate, as_of()) between 0 and :benchmark_days
      group by e.OpportunityId, e.stage) x
group by x.stage
