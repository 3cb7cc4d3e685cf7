/*
title: How long deals that were won lately stood in each stage, and how long it then took to win them, in days; of each record type and, with an empty one, of all - where enough were won
stored: true
needs:
  Opportunity: [Id, IsWon, CloseDate]
optional:
  Opportunity: [RecordTypeId]
params:
  benchmark_days: 548   # how far back a win counts
  min_benchmark_n: 20   # fewer deals won out of a stage tell nothing of it
*/
with passage as (
  select e.OpportunityId, e.stage, o.RecordTypeId as record_type,
         sum(days_between(local_date(e.entered), local_date(e.left_at))) as days,
         max(days_between(local_date(e.entered), o.CloseDate)) as remaining
  from v_stage_entry e
  join live.Opportunity o on o.Id = e.OpportunityId
  where o.IsWon is true and e.left_at is not null
    and days_between(o.CloseDate, as_of()) between 0 and :benchmark_days
  group by e.OpportunityId, e.stage, o.RecordTypeId
)
select a.stage, '' as record_type, count(*) as won_passages,
       percentile_cont(0.5) within group (order by a.days) as median_days,
       percentile_cont(0.5) within group (order by a.remaining) as median_remaining
from passage a
group by a.stage
having count(*) >= :min_benchmark_n
union all
select t.stage, t.record_type, count(*), percentile_cont(0.5) within group (order by t.days),
       percentile_cont(0.5) within group (order by t.remaining)
from passage t
where t.record_type <> ''
group by t.stage, t.record_type
having count(*) >= :min_benchmark_n
