"""A stranger's server on OpenAI's wire, in its own process, with a journal of what it accepted.

Its rules are written from OpenAI's specification; nothing here is imported from the program.
"""
