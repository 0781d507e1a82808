"""Golden recordings: the answers of a model that will be gone, kept so that its successor can be
held against them.
"""
