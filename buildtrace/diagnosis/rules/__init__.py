"""The rules, one module each. A module here with a `RULE` is a rule: there is no list of them."""
