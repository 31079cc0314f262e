"""Files of mixtures and fits, that `mogfit.save` writes and `mogfit.load` reads."""
