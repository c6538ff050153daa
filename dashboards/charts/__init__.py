"""The one home for charts: Plotly figures under Outlay's own template, labelled where the eye already is."""
