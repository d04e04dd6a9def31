"""What all tests share."""

import torch

# Tests compute on small tensors, in several workers at once: with one thread each they take half the time.
torch.set_num_threads(1)
