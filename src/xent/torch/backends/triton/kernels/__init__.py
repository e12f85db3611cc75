"""The kernels, one a file, and what they share. Compiled by Triton: type checkers do not look in here."""
