"""Keeping an instance well: backups, room on the disk, and a look at everything it needs."""
