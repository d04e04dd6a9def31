"""Pictures of volumes: planes through them, and figures as PNG."""
