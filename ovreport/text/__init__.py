"""Numbers, units and labels as text, and all functions that escape text."""
