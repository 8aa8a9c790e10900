"""What `bin/bench serve` is made of: data, servers, a client, places to ask about, the table of figures."""
