"""What a simulated head holds: tissues, regions, vessels, lesions."""
