"""Files that a person uploads in the admin: received onto the disk (`receiving`), looked at before they are
taken (`taking`), and kept in a folder of their own until the worker has read them (`folders`).

Nothing here imports the engine: the web server stays small. The worker's part is in hosting/upload_trials.py.
"""
