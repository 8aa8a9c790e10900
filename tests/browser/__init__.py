"""What a person sees: Chromium on the real server, over the demonstration and Rhode Island."""
