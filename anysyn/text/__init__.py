"""Wording: counts in a sentence, and names from files made safe for terminals and spreadsheets."""
