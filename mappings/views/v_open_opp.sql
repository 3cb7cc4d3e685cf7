/*
title: Open deals with what their stage says, their last contact and the next planned one
*/
select * from v_opp where IsClosed is not true
