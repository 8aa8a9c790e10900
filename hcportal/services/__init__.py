"""The private servers: PostgreSQL, Redis and what runs on them, under `var/`, by unix socket only.

`paths` says where everything is, `postgres` and `redis` how each server is set up, `programs` what hcportal
itself runs, `supervisor` keeps processes alive and leaves none behind, `instance` sees to it that there is
one supervisor at a time, `up`, `checks` and `commands` are what bin/up, bin/test and bin/manage do. Machines
with their own servers set DATABASE_URL and REDIS_URL, and those are used instead.
"""
