"""The engines that can train; one module or package each, named in `registry.py`."""
