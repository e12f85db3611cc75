"""The measures of distributions: closed forms, quadrature and summation, Monte Carlo."""
