/*
title: Lead statuses by the text a lead may carry - the ApiName, or the label where no ApiName is spelt like it
*/
select s.ApiName as name, s.Id, s.ApiName, s.IsConverted, s.SortOrder, s.role from v_lead_status s
union all
select s.MasterLabel, s.Id, s.ApiName, s.IsConverted, s.SortOrder, s.role
from v_lead_status s
where not exists (select 1 from v_lead_status k
                  where k.ApiName = s.MasterLabel or (k.MasterLabel = s.MasterLabel and k.ApiName < s.ApiName))
