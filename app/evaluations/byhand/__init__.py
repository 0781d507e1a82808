"""People answer the cases of a run by hand: a contestant like any other."""
