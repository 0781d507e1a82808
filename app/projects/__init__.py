"""Projects, who belongs to them, and what their role allows."""
