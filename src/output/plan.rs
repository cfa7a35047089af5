//! Plans, in each of their formats.

use std::io::{self, Write};

use super::document::PlanDocument;
use super::json_text;
use crate::model::Plan;

/// Writes a plan as one JSON document (`driftctl.plan/v1`).
///
/// # Errors
/// Only those of `out`.
pub fn plan_json(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    json_text::write(out, &PlanDocument::new(plan))
}
