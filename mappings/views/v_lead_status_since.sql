/*
title: The day a lead's status was last changed up to the day of the check, where field history is tracked
stored: true
optional:
  LeadHistory: [LeadId, Field, CreatedDate]
*/
select h.LeadId, max(local_date(h.CreatedDate)) as since from live.LeadHistory h
where h.Field = 'Status' and local_date(h.CreatedDate) <= as_of() group by h.LeadId
