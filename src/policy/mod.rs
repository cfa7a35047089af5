//! What is drift and what is not: rules, and the one place that judges.
