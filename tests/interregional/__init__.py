"""New York's flows: the file, the clock, what is stored, what is answered."""
