"""
A definition file with every kind of rule, for what the flag server's page shows of them.
"""

from __future__ import annotations

from pathlib import Path

RULED = """\
hierarchy: [org, team]

segments:
  beta-testers: endswith(email, "@example.com") or plan == "enterprise"
  nearby: country in ["NL", "BE"] and not segment('beta-testers')

flags:
  new-checkout:
    description: The one-page checkout
    value: false
    rules:
      - if: segment("beta-testers")
        value: true
        description: Those who asked for it
      - if: country in ["NL", "BE"] and flag("payments-v2")
        rollout: 25
  payments-v2:
    value: false
    rules:
      - rollout: {from: 0, to: 50, start: 2026-01-01, end: 2027-02-01}
  theme:
    value: light
    overrides:
      - {org: acme, value: dark}
  limits:
    variants: {small: {max: 5}, medium: {max: 20}, large: {max: 50}}
    value: small
    rules:
      - if: segment("nearby")
        value: large
      - split: {small: 60, medium: 30, large: 10}
        by: org
        salt: limits-2026
  seasonal:
    value: none
    rules:
      - if: after("2027-01-01") and semver(app_version, ">=2.1.0") and user.age >= 18
        rollout: 12.5
        value: snow
  markup:
    value: false
    rules:
      - if: name == "<img src=x onerror=document.title='owned'>"
        value: true
        description: <b>bold</b>
  plain: {value: 7}
  nothing:
    value:
"""


def ruled_in(folder: Path) -> Path:
    """
    A new `flags.yaml` with it.
    """
    file = folder / "flags.yaml"
    file.write_text(RULED, encoding="utf-8")
    return file
