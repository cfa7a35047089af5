//! Keeps secrets out of every report.
