"""Other libraries' names and arguments, thin over mogfit: `mogfit.compat.pypr`."""
