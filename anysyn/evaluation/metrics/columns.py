"""The metrics that are columns of the scores and of the report, unless a protocol names others.

A metric is a registered class of `metrics.py`; the protocols with columns of their own are in `presets.py`. The column
appears in ``cases.csv``, in every table and in the report.
"""

DEFAULT_COLUMNS = ("psnr", "ssim", "mse", "mae", "nmse", "psnr_whole")  # the first one is the main metric
