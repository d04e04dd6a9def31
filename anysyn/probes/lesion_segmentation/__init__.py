"""Does a segmenter of real images find lesions in synthesized ones?"""
