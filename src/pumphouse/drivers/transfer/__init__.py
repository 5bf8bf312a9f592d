"""Ways to get the data of a disk from one cloud to the other."""
