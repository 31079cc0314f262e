"""What leaves mogfit: files that last, and tables of components."""
