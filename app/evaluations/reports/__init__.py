"""What a run of an evaluation has shown: the board of its cases, the evidence, the pages."""
