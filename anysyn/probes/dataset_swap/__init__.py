"""Does treating a subject as another dataset bring its synthesis closer to that dataset?"""
