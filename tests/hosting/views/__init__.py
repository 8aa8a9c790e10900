"""Pages, one module of tests for each module of views."""
