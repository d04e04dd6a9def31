"""How alike are slices embedded?"""
