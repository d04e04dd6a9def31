"""How tissues appear in an image: MR signal, CT numbers, PET uptake."""
