"""The viewer: images with linked crosshairs in one page that needs no network. Start in `page.py`."""
