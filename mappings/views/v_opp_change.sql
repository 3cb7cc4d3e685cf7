/*
title: Each row of a deal's history up to the day of the check, beside the row before it
needs:
  OpportunityHistory: [Id, OpportunityId, CreatedDate, StageName, CloseDate, Amount]
optional:
  OpportunityHistory: [CreatedById, ForecastCategory]
*/
select h.OpportunityId, h.Id, h.CreatedDate as changed_at, h.CreatedById as changed_by,
       h.StageName as to_stage, lag(h.StageName) over w as from_stage,
       h.CloseDate as to_close, lag(h.CloseDate) over w as from_close,
       h.Amount as to_amount, lag(h.Amount) over w as from_amount,
       h.ForecastCategory as to_category, lag(h.ForecastCategory) over w as from_category,
       lag(h.CreatedDate) over w as changed_before,
       row_number() over w as seq
from live.OpportunityHistory h
where local_date(h.CreatedDate) <= as_of()
window w as (partition by h.OpportunityId order by h.CreatedDate, h.Id)
