"""Questions put to models, each written down before it is sent: cases to contestants, answers and
pairs of them to judges.
"""
