"""What a project's people are told of days on which something stops: notices, once each, and a
calendar that other programs read.

It stands above `catalog`, whose dates it tells, and below `jobs` and all that may one day have
something of its own to tell.
"""
