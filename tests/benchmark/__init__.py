"""Measurements that anybody can repeat: one command each, seeded, one table."""
