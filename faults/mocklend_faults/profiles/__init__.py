"""Profiles: named sets of rules, as YAML. `mocklend_faults.engine.profiles` reads them."""
