/*
title: Leads neither converted nor in a terminal status, with the role of their status and since when they have it
needs:
  Lead: [Id, Status, IsConverted, CreatedDate]
*/
select l.*, st.ApiName as status_api, st.role as status_role,
       coalesce(h.since, local_date(l.CreatedDate)) as status_since, h.since as status_changed
from live.Lead l
left join v_lead_status_name st on st.name = l.Status
left join v_lead_status_since h on h.LeadId = l.Id
where l.IsConverted is not true and coalesce(st.role, 'working') <> 'closed_unconverted'
