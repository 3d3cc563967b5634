"""Diagrams of graphs: layout by Graphviz, drawing as SVG."""
