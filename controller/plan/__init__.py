"""What a converge would change: asked of pyinfra without changing anything, shown as text or as JSON.

The operations themselves say what they would do (roles/lib/telling.py); a converge says the same lines.
"""
