"""Wording: counts in a sentence, one word for several, and names from files made safe to show."""
