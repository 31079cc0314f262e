"""Bad inputs and faults: one test for each row of the list of what the package promises."""
