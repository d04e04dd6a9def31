"""One image, and the images of one subject: reading, writing, foreground, intensity windows."""
