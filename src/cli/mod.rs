//! Words in, decisions out.
