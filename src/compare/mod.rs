//! Declared against live: the heart.
