"""From sections to one HTML file."""
