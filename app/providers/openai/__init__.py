"""The adapter for every service that speaks OpenAI's wire, on the official SDK."""

from app.providers.openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
