"""Templates, style rules and scripts of the page, and the starter config."""
