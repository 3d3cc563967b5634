"""Render sections as one HTML file."""
