/*
title: Stages by the text a deal may carry - the ApiName, or the label where no ApiName is spelt like it
stored: true
needs:
  OpportunityStage: [Id, ApiName, MasterLabel, IsClosed, IsWon, DefaultProbability]
optional:
  OpportunityStage: [IsActive, ForecastCategory, ForecastCategoryName, SortOrder]
*/
select s.ApiName as name, s.Id, s.ApiName, s.MasterLabel, s.IsActive, s.IsClosed, s.IsWon, s.DefaultProbability,
       s.ForecastCategory, s.ForecastCategoryName, s.SortOrder
from live.OpportunityStage s
union all
select s.MasterLabel, s.Id, s.ApiName, s.MasterLabel, s.IsActive, s.IsClosed, s.IsWon, s.DefaultProbability,
       s.ForecastCategory, s.ForecastCategoryName, s.SortOrder
from live.OpportunityStage s
where not exists (select 1 from live.OpportunityStage k
                  where k.ApiName = s.MasterLabel or (k.MasterLabel = s.MasterLabel and k.ApiName < s.ApiName))
