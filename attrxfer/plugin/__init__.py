"""Plugins: the hooks, the host, the registry, and components' parameters."""
