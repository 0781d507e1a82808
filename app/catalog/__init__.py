"""Models and what is known of them: base models, prices, tuned models and their lineage."""
