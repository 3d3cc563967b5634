"""The figures of a measured cell, each an :class:`~ovreport.stats.estimate.Estimate`."""
