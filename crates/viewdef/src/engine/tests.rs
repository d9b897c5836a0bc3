//! The fast way over whole lines.
