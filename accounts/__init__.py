"""Who may do what: the user model and the groups viewer, steward, operator and admin."""
