"""What a workspace holds, read once a second and never on the event loop."""
