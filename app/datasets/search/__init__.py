"""Full-text search in the rows of a version: made after the check, asked by pages and scripts."""
