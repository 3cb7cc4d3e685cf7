/*
title: The place of each active open stage, 1 for the first
needs:
  OpportunityStage: [Id, ApiName, IsClosed]
optional:
  OpportunityStage: [IsActive, SortOrder]
*/
select s.ApiName, row_number() over (order by s.SortOrder, s.ApiName) as stage_rank
from live.OpportunityStage s
where s.IsActive is true and s.IsClosed is not true
