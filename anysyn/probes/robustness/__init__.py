"""How much quality do corrupted sources cost?"""
