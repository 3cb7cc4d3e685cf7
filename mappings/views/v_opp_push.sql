/*
title: How often the close date of a deal that is open now was moved later; moves of one user within the hour are one
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
from (select b.OpportunityId, b.from_close, b.begins,
             case when b.ends then b.to_close else lead(b.to_close) over w end as to_close,
             case when b.ends then b.changed_at else lead(b.changed_at) over w end as changed_at
      from (select m.OpportunityId, m.seq, m.from_close, m.to_close, m.changed_at,
                   m.moved_before is null or m.changed_by is distinct from m.moved_by
                   or hours_between(m.moved_before, m.changed_at) * 60 > :push_collapse_minutes as begins,
                   m.moved_next is null or m.changed_by is distinct from m.next_by
                   or hours_between(m.changed_at, m.moved_next) * 60 > :push_collapse_minutes as ends
            from (select c.OpportunityId, c.seq, c.from_close, c.to_close, c.changed_at, c.changed_by,
                         lag(c.changed_at) over w as moved_before, lag(c.changed_by) over w as moved_by,
                         lead(c.changed_at) over w as moved_next, lead(c.changed_by) over w as next_by
                  from (select h.OpportunityId, h.StageName as to_stage, h.CreatedDate as changed_at, h.CreatedById as changed_by,
                               h.CloseDate as to_close, lag(h.CloseDate) over w as from_close, row_number() over w as seq
                        from live.OpportunityHistory h
                        join live.Opportunity o on o.Id = h.OpportunityId and o.IsClosed is not true
                        where local_date(h.CreatedDate) <= as_of()
                        window w as (partition by h.OpportunityId order by h.CreatedDate, h.Id)) c
                  left join v_stage s on s.name = c.to_stage
                  where c.to_close <> c.from_close and s.IsClosed is not true
                  window w as (partition by c.OpportunityId order by c.seq)) m) b
      where b.begins or b.ends
      window w as (partition by b.OpportunityId order by b.seq)) p
where p.begins and p.to_close > p.from_close
group by p.OpportunityId
