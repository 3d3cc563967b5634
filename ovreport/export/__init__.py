"""Export runs for other programs: JSON, CSV, Markdown, JUnit XML and graphs."""
