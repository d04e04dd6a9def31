"""What is requested of a synthesis: the acquisition, the dataset, the sources and targets of a prepared person."""
