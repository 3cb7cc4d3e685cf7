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
-- Two domains are of one organisation when they are one, or one lies under the other: mail.acme.com, acme.com. What a domain
-- of more than two names lies under has two to four of them.
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
site as (select distinct c.web_domain from company c where c.web_domain is not null),
longer as (
  select l.email_domain as domain from lead l where split_part(l.email_domain, '.', -3) <> ''
  union select s.web_domain from site s where split_part(s.web_domain, '.', -3) <> ''
),
parent as (
  select d.domain, split_part(d.domain, '.', -2) || '.' || split_part(d.domain, '.', -1) as above from longer d
  union all
  select d.domain, split_part(d.domain, '.', -3) || '.' || split_part(d.domain, '.', -2) || '.' || split_part(d.domain, '.', -1)
  from longer d where split_part(d.domain, '.', -4) <> ''
  union all
  select d.domain, split_part(d.domain, '.', -4) || '.' || split_part(d.domain, '.', -3) || '.'
                   || split_part(d.domain, '.', -2) || '.' || split_part(d.domain, '.', -1)
  from longer d where split_part(d.domain, '.', -5) <> ''
),
related as (
  select s.web_domain as email_domain, s.web_domain from site s
  union all
  select p.domain, p.above from parent p join site s on s.web_domain = p.above
  union all
  select p.above, p.domain from parent p join site s on s.web_domain = p.domain
),
hit as (
  select l.Id, c.Id as account_id, 1 as by_domain, l.country as lead_country, c.country, c.customer
  from lead l join related r on r.email_domain = l.email_domain join company c on c.web_domain = r.web_domain
  union all
  select l.Id, c.Id, 0, l.country, c.country, c.customer
  from lead l join company c on c.company = l.company
  where l.country is null or c.country is null or l.country = c.country
),
people as (
  select c.AccountId, count(*) as contacts from live.Contact c
  where c.AccountId in (select h.account_id from hit h) group by c.AccountId
),
ranked as (
  select h.Id, h.account_id, h.by_domain,
         row_number() over (partition by h.Id
           order by h.by_domain desc, case when h.lead_country = h.country then 0 else 1 end, h.customer desc,
                    coalesce(p.contacts, 0) desc, h.account_id) as place
  from hit h left join people p on p.AccountId = h.account_id
)
select r.Id, r.account_id, r.by_domain from ranked r where r.place = 1
