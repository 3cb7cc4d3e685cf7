/*
title: The account an open lead's company is, the best where several match
stored: true
optional:
  Lead: [Id, Company]
  norm_Lead: [Id, email_domain, email_free, company, country, placeholders]
  Account: [Id, Type, IsPersonAccount]
  norm_Account: [Id, web_domain, company, country]
  Contact: [AccountId]
params:
  customer_types: [Customer, Customer - Direct, Customer - Channel]
  generic_names: []     # company names as normalised (small letters, without legal form) that say nothing, as self employed
*/
-- A domain and those it lies under, of two to four names: mail.acme.com, acme.com. Two domains are of one organisation when one
-- is among the other's.
with company as (
  select a.Id, n.web_domain, n.company, n.country,
         case when a.Type in (cfg('customer_types')) then 1 else 0 end as customer
  from live.Account a join sfsync.norm_Account n on n.Id = a.Id where a.IsPersonAccount is not true
),
lead as (
  select l.Id, case when n.email_free is not true then n.email_domain end as email_domain, n.country,
         case when not blank(l.Company) and coalesce(n.placeholders, '') not like '%,Company,%'
               and n.company not in (cfg('generic_names')) then n.company end as company
  from v_open_lead l join sfsync.norm_Lead n on n.Id = l.Id
),
domain as (
  select x.domain from (select l.email_domain as domain from lead l union select c.web_domain from company c) as x
  where x.domain is not null
),
chain as (
  select d.domain, d.domain as above from domain d
  union select d.domain, split_part(d.domain, '.', -2) || '.' || split_part(d.domain, '.', -1) from domain d
        where split_part(d.domain, '.', -2) <> ''
  union select d.domain, split_part(d.domain, '.', -3) || '.' || split_part(d.domain, '.', -2) || '.'
               || split_part(d.domain, '.', -1) from domain d
        where split_part(d.domain, '.', -3) <> ''
  union select d.domain, split_part(d.domain, '.', -4) || '.' || split_part(d.domain, '.', -3) || '.'
               || split_part(d.domain, '.', -2) || '.' || split_part(d.domain, '.', -1) from domain d
        where split_part(d.domain, '.', -4) <> ''
),
related as (
  select e.domain as email_domain, w.web_domain
  from (select distinct l.email_domain as domain from lead l) as e
  join chain k on k.domain = e.domain
  join (select distinct c.web_domain from company c) as w on w.web_domain = k.above
  union
  select k.above, k.domain
  from chain k join (select distinct c.web_domain from company c) as w on w.web_domain = k.domain
  join (select distinct l.email_domain as domain from lead l) as e on e.domain = k.above
),
hit as (
  select l.Id, c.Id as account_id, 1 as by_domain, l.country as lead_country, c.country, c.customer
  from lead l join related r on r.email_domain = l.email_domain join company c on c.web_domain = r.web_domain
  union all
  select l.Id, c.Id, 0, l.country, c.country, c.customer
  from lead l join company c on c.company = l.company
  where l.country is null or c.country is null or l.country = c.country
),
people as (select c.AccountId, count(*) as contacts from live.Contact c where c.AccountId is not null group by c.AccountId),
ranked as (
  select h.Id, h.account_id, h.by_domain,
         row_number() over (partition by h.Id
           order by h.by_domain desc, case when h.lead_country = h.country then 0 else 1 end, h.customer desc,
                    coalesce(p.contacts, 0) desc, h.account_id) as place
  from hit h left join people p on p.AccountId = h.account_id
)
select r.Id, r.account_id, r.by_domain from ranked r where r.place = 1
