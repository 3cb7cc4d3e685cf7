/*
title: The day a deal entered its present stage; of deals that do not say it themselves, by their history
stored: true
needs:
  Opportunity: [Id, StageName, CreatedDate]
  OpportunityHistory: [Id, OpportunityId, CreatedDate, StageName]
optional:
  Opportunity: [LastStageChangeDate]
*/
select o.Id as OpportunityId,
       coalesce(local_date(o.LastStageChangeDate), local_date(c.entered), local_date(o.CreatedDate)) as since,
       (o.LastStageChangeDate is null and c.moves is null) as never_moved
from live.Opportunity o
left join (select h.OpportunityId, h.to_stage, max(h.changed_at) as entered,
                  max(case when h.from_stage is not null then 1 end) as moves
           from (select x.OpportunityId, x.StageName as to_stage, x.CreatedDate as changed_at, lag(x.StageName) over w as from_stage
                 from live.OpportunityHistory x
                 join live.Opportunity p on p.Id = x.OpportunityId and p.LastStageChangeDate is null
                 window w as (partition by x.OpportunityId order by x.CreatedDate, x.Id)) h
           where h.from_stage is null or h.from_stage <> h.to_stage
           group by h.OpportunityId, h.to_stage) c
       on c.OpportunityId = o.Id and c.to_stage = o.StageName
