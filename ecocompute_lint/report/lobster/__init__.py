"""The lobster's way of telling: mood and alarm first, the same figures as the plain style."""
