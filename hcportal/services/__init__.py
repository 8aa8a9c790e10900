"""The private servers: PostgreSQL, Redis and what runs on them, under `var/`, by unix socket only.

`paths` says where everything is, `postgres` and `redis` how each server is set up, `programs` what hcportal itself
runs, `supervisor` keeps processes alive and leaves none behind, and `__main__` is what bin/up, bin/down and
bin/manage call. Machines with their own servers set DATABASE_URL and REDIS_URL, and only the last two are used.
"""
