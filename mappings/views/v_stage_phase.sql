/*
title: Stages by the text a deal may carry, and whether a deal there is early or late; null where that is not known
params:
  early_max_probability: 10
  late_min_probability: 70
  early_stages: []   # ApiNames; where any are given they say what is early, whatever their probability
  late_stages: []    # the same for late
*/
select s.name,
       case when exists (select 1 from cfg('early_stages') e) then s.ApiName in (cfg('early_stages'))
            else s.DefaultProbability <= :early_max_probability end as is_early,
       case when exists (select 1 from cfg('late_stages') l) then s.ApiName in (cfg('late_stages'))
            else s.DefaultProbability >= :late_min_probability end as is_late
from v_stage s
