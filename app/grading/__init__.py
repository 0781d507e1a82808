"""A project's library of graders: built in a form, kept in versions, tried on rows."""
