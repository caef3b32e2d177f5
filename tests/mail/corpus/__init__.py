"""Hard messages: what mail programs, spammers and broken scripts really send, made by code."""
