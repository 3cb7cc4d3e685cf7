/*
title: Deals with what their stage says
needs:
  Opportunity: [Id, StageName, IsClosed]
*/
select o.*, s.Id as stage_id, s.ApiName as stage_api, s.IsActive as stage_active, s.IsClosed as stage_closed,
       s.IsWon as stage_won, s.DefaultProbability as stage_probability, s.ForecastCategory as stage_category,
       s.ForecastCategoryName as stage_category_name, s.SortOrder as stage_sort
from live.Opportunity o
left join v_stage s on s.name = o.StageName
