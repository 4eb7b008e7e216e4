"""What several pages use. Nothing here knows a page."""
