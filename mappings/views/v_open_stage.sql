/*
title: Open deals with what their stage says; v_open_opp without the tasks, and so faster
*/
select * from v_opp_stage where IsClosed is not true
