"""The kernels, one a file, and what they share. Compiled by Triton, not by Python: type checkers do not look in here."""
