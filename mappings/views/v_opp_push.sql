/*
title: How often the close date of a deal that is open now was moved later; moves of one user within the hour count once
stored: true
needs:
  Opportunity: [Id, IsClosed]
  OpportunityHistory: [Id, OpportunityId, CreatedDate, StageName, CloseDate]
optional:
  OpportunityHistory: [CreatedById]
params:
  push_collapse_minutes: 60
*/
select p.OpportunityId, count(*) as pushes,
       sum(case when fiscal_year(p.to_close) * 10 + fiscal_quarter(p.to_close)
                   > fiscal_year(p.from_close) * 10 + fiscal_quarter(p.from_close) then 1 else 0 end) as quarter_pushes,
       max(local_date(p.changed_at)) as last_push
from (select c.OpportunityId, c.to_close, c.from_close, c.changed_at, c.changed_by,
             lag(c.changed_at) over w as pushed_before, lag(c.changed_by) over w as pushed_by
      from (select h.OpportunityId, h.StageName as to_stage, h.CreatedDate as changed_at, h.CreatedById as changed_by,
                   h.CloseDate as to_close, lag(h.CloseDate) over w as from_close, row_number() over w as seq
            from live.OpportunityHistory h
            join live.Opportunity o on o.Id = h.OpportunityId and o.IsClosed is not true
            window w as (partition by h.OpportunityId order by h.CreatedDate, h.Id)) c
      left join v_stage s on s.name = c.to_stage
      where c.from_close is not null and c.to_close > c.from_close and s.IsClosed is not true
      window w as (partition by c.OpportunityId order by c.seq)) p
where p.pushed_before is null or p.changed_by is distinct from p.pushed_by
   or hours_between(p.pushed_before, p.changed_at) * 60 > :push_collapse_minutes
group by p.OpportunityId
