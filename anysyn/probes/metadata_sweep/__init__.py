"""Does the contrast of a synthesis follow the requested scanner settings?"""
