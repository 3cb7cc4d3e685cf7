/*
title: The day a deal entered its present stage, or on a day that is over the one it was in then; of deals that do not say it themselves, by their history
stored: true
needs:
  Opportunity: [Id, StageName, CreatedDate]
  OpportunityHistory: [Id, OpportunityId, CreatedDate, StageName]
optional:
  Opportunity: [LastStageChangeDate]
*/
select o.Id as OpportunityId,
       coalesce(case when local_date(o.LastStageChangeDate) <= as_of() then local_date(o.LastStageChangeDate) end,
                local_date(c.entered),
                case when o.LastStageChangeDate is null or c.OpportunityId is not null then local_date(o.CreatedDate) end) as since,
       (c.moves is null and (o.LastStageChangeDate is null or local_date(o.LastStageChangeDate) > as_of())) as never_moved
from live.Opportunity o
left join (select h.OpportunityId, max(h.changed_at) as entered, max(case when h.from_stage is not null then 1 end) as moves
           from (select x.OpportunityId, x.StageName as to_stage, x.CreatedDate as changed_at, lag(x.StageName) over w as from_stage,
                        x.StageName = p.StageName or as_of() < local_date(now_utc()) as meant
                 from live.OpportunityHistory x
                 join live.Opportunity p on p.Id = x.OpportunityId
                  and (p.LastStageChangeDate is null or local_date(p.LastStageChangeDate) > as_of())
                 where local_date(x.CreatedDate) <= as_of()
                 window w as (partition by x.OpportunityId order by x.CreatedDate, x.Id)) h
           where (h.from_stage is null or h.from_stage <> h.to_stage) and h.meant
           group by h.OpportunityId) c
       on c.OpportunityId = o.Id
