"""Tables of cases: means, margins, statistics, Markdown and LaTeX."""
