//! `name`: which objects, for scripts.

use std::io::{self, Write};

use super::{Format, RenderOptions, escape};
use crate::model::Status;
use crate::redact::Redacted;

/// One object to a line.
pub struct Name;

impl Format for Name {
    fn name(&self) -> &'static str {
        "name"
    }

    fn description(&self) -> &'static str {
        "One Kind/namespace/name for each object that drifted, is missing, extra or in conflict"
    }

    fn render(
        &self,
        report: &Redacted,
        _options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for object in &report.objects {
            match object.status {
                Status::InSync | Status::Unknown | Status::Pending => continue,
                Status::Drifted | Status::Missing | Status::Extra | Status::Conflict => {}
            }
            let key = &object.key;
            write!(out, "{}/", escape::line(&key.kind))?;
            if let Some(namespace) = &key.namespace {
                write!(out, "{}/", escape::line(namespace))?;
            }
            writeln!(out, "{}", escape::line(&key.name))?;
        }
        Ok(())
    }
}
