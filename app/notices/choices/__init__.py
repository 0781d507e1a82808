"""How each person wants to hear of what: in the app, by mail, and of which projects."""
