"""The admin: pages, and what people have the worker do from them."""
