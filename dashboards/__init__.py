"""The dashboard: pages over what is published. It holds layout, words, charts and formats; no number is made here that
a mart should hold, and nothing is read but the published set, the workspace file and the routing records."""
