"""Numbers, units and labels as words, and every escaping there is."""
