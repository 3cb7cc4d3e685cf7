/*
title: When deals entered and left their stages, up to the day of the check. What lasted a minute, or was taken back within the hour, did not happen
stored: true
needs:
  OpportunityHistory: [Id, OpportunityId, CreatedDate, StageName]
params:
  blink_seconds: 60     # several stages saved so close together are one move
  undo_minutes: 60      # into a stage and back again within this is a slip of the mouse
*/
select f.OpportunityId, f.stage, f.from_stage, f.entered, lead(f.entered) over w as left_at
from (select k.OpportunityId, k.to_stage as stage, k.changed_at as entered, k.seq,
             lag(k.to_stage) over w as from_stage
      from (select c.OpportunityId, c.to_stage, c.changed_at, c.seq,
                   lead(c.changed_at) over w as next_at, lead(c.to_stage) over w as next_stage, c.from_stage
            from (select h.OpportunityId, h.StageName as to_stage, h.CreatedDate as changed_at,
                         row_number() over w as seq, lag(h.StageName) over w as from_stage
                  from live.OpportunityHistory h
                  where local_date(h.CreatedDate) <= as_of()
                  window w as (partition by h.OpportunityId order by h.CreatedDate, h.Id)) c
            where c.from_stage is null or c.from_stage <> c.to_stage
            window w as (partition by c.OpportunityId order by c.seq)) k
      where k.next_at is null
         or not (hours_between(k.changed_at, k.next_at) * 3600 <= :blink_seconds
                 or (k.next_stage = k.from_stage and hours_between(k.changed_at, k.next_at) * 60 <= :undo_minutes))
      window w as (partition by k.OpportunityId order by k.seq)) f
where f.from_stage is null or f.from_stage <> f.stage
window w as (partition by f.OpportunityId order by f.seq)
