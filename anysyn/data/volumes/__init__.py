"""Images: file formats (`formats/`), one image (`volume.py`), the images of one subject (`study.py`). Start there."""
