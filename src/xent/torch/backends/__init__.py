"""What computes the losses, one room for each way that needs a library or a compiler of its own."""
