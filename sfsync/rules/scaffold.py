"""A new rule file to begin with: it runs, its examples agree, and its comments say what each key is for."""

from __future__ import annotations

import re
from pathlib import Path

from sfsync.errors import RuleError
from sfsync.rules.load import load_rules

_FILE = """\
# A rule says what is wrong in the mirror. `sfsync rules test {name}` runs its examples, `sfsync check --rule {code}`
# the rule itself. A rule with the code of a shipped one changes that one: give only the keys that differ.
code: {code}
title: Lead without a city
severity: warning        # error, warning or info; a column `severity` of the SELECT goes before it
basis: house             # house: your way of working; platform: what Salesforce itself promises
objects: [Lead]          # what it looks at; with several, `sql` and `scope` have a SELECT for each
profiles: [leads]        # integrity, leads, pipeline, hygiene, or one of your own
why: >-
  Say what goes wrong when nobody mends it; people read this in the report.
source: Our sales handbook, page 7

# What the SELECT reads: table and columns. Without them the rule is "not evaluated", which is no pass.
needs:
  Lead: [Id, City, IsConverted]
# Used when it is there: a missing table counts as empty, a missing column as null. norm_<sObject>: normalised values.
optional:
  norm_Lead: [Id, country]

# Values a config may change, each with its default, as rules.params.{code}.countries.
params:
  countries: [US, DE]

# The records looked at: the denominator of the rule's rate. An sObject's name means all of them.
scope: select Id from live.Lead where IsConverted is not true

# One SELECT in PostgreSQL's words; live.<sObject> leaves deleted records out, salesforce.<sObject> keeps them. It has
# Id, and where it helps `kind` (which case of the rule; part of a finding's identity), `severity`, and columns for
# message and fix. Helpers: blank(x), as_of(), now_utc(), local_date(moment), days_between(a, b), hours_between(a, b),
# greatest2(a, b), same_org_domain(a, b), fiscal_year(d), fiscal_quarter(d), :name a parameter, cfg('name') a list.
# Views: v_active_lead, v_open_opp, v_touch and others; see `views/` beside the shipped rules.
sql: |
  select l.Id, 'missing' as kind, n.country, null as new_city
  from live.Lead l left join sfsync.norm_Lead n on n.Id = l.Id
  where l.IsConverted is not true and blank(l.City)
    and (n.country is null or n.country in (cfg('countries')))

# Columns of the SELECT in braces. One text, or one for each kind.
message:
  missing: has no city (country {{country}})

# A proposed update: field and the column with its new value; null proposes nothing. auto may be sent unattended
# when the config allows it, assisted after a person approved the plan.
fix: {{confidence: assisted, set: {{City: new_city}}}}
advice: Ask for the address.

# Little worlds, and what the rule must say of them. Fields not given are null.
examples:
  passes:
    - name: a city, a converted lead, a deleted one, another country
      Lead:
        - {{Id: 00Q000000000001AAA, City: Berlin, IsConverted: false}}
        - {{Id: 00Q000000000002AAA, City: null, IsConverted: true}}
        - {{Id: 00Q000000000003AAA, City: null, IsConverted: false, IsDeleted: true}}
        - {{Id: 00Q000000000004AAA, City: null, IsConverted: false, Country: France}}
  flagged:
    - name: null, empty or only space
      Lead:
        - {{Id: 00Q000000000001AAA, City: null, IsConverted: false, Country: Germany}}
        - {{Id: 00Q000000000002AAA, City: " ", IsConverted: null}}
      expect:
        - {{Id: 00Q000000000001AAA, kind: missing, severity: warning, fix: null, message: has no city (country DE)}}
        - {{Id: 00Q000000000002AAA, kind: missing}}
  not_evaluated:
    - name: the city is not kept
      missing: [Lead.City]
      Lead: [{{Id: 00Q000000000001AAA}}]
      reason: Lead has no City
"""


def new_rule(code: str, user_folder: Path) -> Path:
    """Write `<user_folder>/rules/<code in small letters>.yaml` and return its path; folders are made.

    The file is a complete rule with comments. Raises RuleError for a code that is none or a shipped rule's, and for a
    file that is there.
    """
    if not re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", code):
        raise RuleError(f'code "{code}" must be capitals, digits and hyphens, as in ACME-001.')
    if shipped := next((rule for rule in load_rules() if rule.code == code), None):
        raise RuleError(
            f'{code} is a shipped rule, "{shipped.title}"; a whole file of that code would replace it. Choose another '
            "code, or write a file with `code:` and the keys that shall differ."
        )
    path = user_folder / "rules" / f"{code.lower().replace('-', '_')}.yaml"
    if path.exists():
        raise RuleError(f"{path} is there already. Edit it, or choose another code.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_FILE.format(code=code, name=path.name), encoding="utf-8")
    return path
