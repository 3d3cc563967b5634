"""Charts: matplotlib draws them, in a process of its own where there are many."""
