/*
title: Moves of deals from stage to stage, and by how many places - of the sales process of the deal's record type where that is known, else of all active open stages; null where one of the stages has no place there
needs:
  Opportunity: [Id]
optional:
  Opportunity: [RecordTypeId]
*/
select e.OpportunityId, e.from_stage, e.stage, e.entered, y.stage_rank - x.stage_rank as steps,
       f.IsClosed is true and t.name is not null and t.IsClosed is not true as reopened
from v_stage_entry e
join live.Opportunity o on o.Id = e.OpportunityId
left join (select distinct r.record_type from v_stage_rank r) p on p.record_type = o.RecordTypeId
left join v_stage f on f.name = e.from_stage
left join v_stage t on t.name = e.stage
left join v_stage_rank x on x.ApiName = f.ApiName and x.record_type = coalesce(p.record_type, '')
left join v_stage_rank y on y.ApiName = t.ApiName and y.record_type = coalesce(p.record_type, '')
where e.from_stage is not null
