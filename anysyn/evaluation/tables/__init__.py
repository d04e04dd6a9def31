"""Cases to tables: means, margins, statistics, Markdown and LaTeX."""
