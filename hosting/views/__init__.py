"""Pages: what people read in a browser. A view asks the database, a template says it."""
