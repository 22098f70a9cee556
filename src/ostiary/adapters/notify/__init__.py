"""Tell people of alerts: over webhooks, chats, pagers and mail."""
