"""Models that are asked again every so often, to notice when what answers has changed."""
