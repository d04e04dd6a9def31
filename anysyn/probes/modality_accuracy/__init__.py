"""Does the image-text model name the modality of an image?"""
