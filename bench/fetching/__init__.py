"""Parts of `bin/bench fetch`: the delay between client and server, the peers, and the geometry alone."""
