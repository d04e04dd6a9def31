"""What commands share: their options, words taken apart, and what is printed."""
