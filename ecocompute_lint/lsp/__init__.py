"""A language server: findings in editors while people type."""
