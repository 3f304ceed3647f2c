"""The coefficients of the estimate, fitted to measurements: priors, rows as arrays, the fit, what is left out and why."""
