"""What a scanner makes of a head: MR signal, CT numbers, PET uptake."""
