"""What spans domains: the home page, live nudges, health. It reads, and writes nothing."""
