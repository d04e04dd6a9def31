"""From files to batches, in this order.

1. ``subjects/``: which files a dataset has: BIDS, folders or a table, sidecars, splits. Start in `subjects/find.py`.
2. ``volumes/``: reading and writing images, and the images of one subject on one grid. Start in `volumes/study.py`.
3. ``geometry/``: voxel grids, boxes of voxels, resampling. Start in `geometry/grid.py`.
4. ``prepare/``: orientation, resampling, cropping, intensities, each with its inverse. Start in
   `prepare/preparation.py`.
5. ``views/``: the slices, slabs or patches that a network takes. Start in `views/view.py`.
6. ``loading/``: the cache of prepared images, samples, augmentation and batches. Start in `loading/samples.py`.

`modalities.py` (with ``modalities.yaml``), `records.py` and `errors.py` are used by all of them.
"""
