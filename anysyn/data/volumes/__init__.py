"""Images: file formats (`nifti.py`), one image (`volume.py`), the images of one subject (`study.py`). Start there."""
