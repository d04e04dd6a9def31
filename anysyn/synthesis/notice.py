"""What every synthetic image says of itself; a bundle takes a copy of this file along."""

NOTICE = "synthetic, not for clinical use"
MARK = f"anysyn: {NOTICE}"  # in the headers of the images
