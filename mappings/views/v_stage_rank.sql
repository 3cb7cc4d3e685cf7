/*
title: The place of each active open stage, 1 for the first - in the sales process of each record type it is known of, and, with an empty record type, among all
stored: true
needs:
  OpportunityStage: [Id, ApiName, IsClosed]
optional:
  OpportunityStage: [IsActive, SortOrder]
*/
select s.ApiName, '' as record_type, row_number() over (order by s.SortOrder, s.ApiName) as stage_rank
from live.OpportunityStage s
where s.IsActive is true and s.IsClosed is not true
union all
select s.ApiName, p.record_type, row_number() over (partition by p.record_type order by s.SortOrder, s.ApiName)
from v_process_stage p
join v_stage s on s.name = p.stage
where s.IsActive is true and s.IsClosed is not true
