//! From words to a report: what every command that compares does first.

mod live_side;
mod sources;

use anyhow::Result;

use super::args::{CompareArgs, Extra, FilterArgs, LiveArgs, SourceArgs};
use crate::engine::{self, Options};
use crate::model::{Report, Warning};
use crate::policy::RuleSet;

pub use live_side::live_side;
pub use sources::sources;

/// What stands for standard input, on either side.
const STDIN: &str = "-";

/// Compares what is declared with the live side.
///
/// # Errors
/// When nothing can be compared.
pub fn run(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    explain: bool,
) -> Result<Report> {
    let sources = sources(source, live)?;
    let side = live_side(live, &source.paths)?;
    let options = options(live, compare, explain);
    let mut report = engine::run(&sources, side.as_ref(), RuleSet::builtin(), &options)?;
    if !compare.allow_empty {
        report
            .warnings
            .extend(emptiness(&report, source, &live.filter));
    }
    Ok(report)
}

fn options(live: &LiveArgs, compare: &CompareArgs, explain: bool) -> Options {
    Options {
        namespace: live.filter.namespace.clone(),
        all_namespaces: live.filter.all_namespaces,
        filter: live.filter.filter(),
        extra: match compare.extra {
            Extra::None => engine::Extra::None,
            Extra::Namespace => engine::Extra::Namespace,
            Extra::Managed => engine::Extra::Managed,
        },
        field_managers: compare.field_manager.clone(),
        audit_logs: compare.audit_log.clone(),
        explain,
        strict_rules: false,
    }
}

/// An empty or wrong path must not look like "no drift".
fn emptiness(report: &Report, source: &SourceArgs, filter: &FilterArgs) -> Option<Warning> {
    let coverage = &report.coverage;
    // Where undeclared objects are looked for, a filter may choose nothing but those.
    let found_extra = coverage.filtered > 0 && !report.objects.is_empty();
    if coverage.declared > coverage.filtered
        || found_extra
        || report.warnings.iter().any(|warning| warning.fatal)
    {
        return None;
    }
    let files = source.app.iter().chain(&source.kustomization);
    let paths = source.paths.iter().chain(files);
    let paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
    let paths = paths.join(", ");
    let message = if coverage.filtered > 0 {
        format!(
            "none of the {} objects in {paths} is chosen by {}; check what it says, or pass \
             --allow-empty",
            coverage.filtered,
            flags(filter)
        )
    } else {
        format!("no Kubernetes object was found in {paths}; check the path, or pass --allow-empty")
    };
    Some(Warning {
        place: String::new(),
        message,
        fatal: true,
    })
}

/// The flags that leave something out.
fn flags(filter: &FilterArgs) -> String {
    let given = [
        (
            filter.namespace.is_some() && !filter.all_namespaces,
            "--namespace",
        ),
        (!filter.kind.is_empty(), "--kind"),
        (filter.selector.is_some(), "--selector"),
    ];
    let given: Vec<_> = given.into_iter().filter(|(is, _)| *is).collect();
    let names: Vec<_> = given.into_iter().map(|(_, name)| name).collect();
    names.join(" and ")
}
