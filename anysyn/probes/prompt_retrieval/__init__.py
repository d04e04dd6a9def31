"""Does the image-text model find the prompt of an image?"""
