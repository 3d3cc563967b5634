"""Runs for other programs: JSON, CSV, the Workbench's reports; without openvino or drawing."""
