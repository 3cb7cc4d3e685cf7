/*
title: Lead statuses with their role - entry, working, closed_unconverted or converted
needs:
  LeadStatus: [Id, ApiName, MasterLabel, IsConverted]
optional:
  LeadStatus: [IsDefault, SortOrder]
params:
  entry_statuses: []   # ApiNames; the default status of the org, if none is given
  closed_unconverted_statuses: [Closed - Not Converted, Unqualified, Disqualified]   # those of them that exist
*/
select s.Id, s.ApiName, s.MasterLabel, s.IsConverted, s.IsDefault, s.SortOrder,
       case when s.IsConverted is true then 'converted'
            when s.ApiName in (cfg('closed_unconverted_statuses')) then 'closed_unconverted'
            when s.ApiName in (cfg('entry_statuses')) then 'entry'
            when s.IsDefault is true and not exists (select 1 from cfg('entry_statuses') e) then 'entry'
            else 'working' end as role
from live.LeadStatus s
