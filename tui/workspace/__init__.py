"""The content of a workspace, read once a second and never on the event loop."""
