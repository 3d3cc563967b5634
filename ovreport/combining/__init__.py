"""Several runs made into one: a comparison or a trend."""
