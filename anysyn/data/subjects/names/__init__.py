"""What a file is, by the words of its name and its sidecar. Start in `naming.py`; the words are in `naming.yaml`."""
