"""The coefficients of the estimate, fitted to measurements: priors, rows as arrays, the fit, rows left out."""
