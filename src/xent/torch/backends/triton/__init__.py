"""The losses on a GPU: Triton kernels, one a file, behind the same calls as the other backends."""
