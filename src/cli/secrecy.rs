//! What of the cluster is shown, and to whom.

use anyhow::{Result, bail};

use super::args::ReportArgs;
use crate::model::{FieldPath, Report, ResourceKey};
use crate::policy::glob;
use crate::redact::{LiveValues, Predicate, Redacted, Redactor};

/// Checks that secrets are shown to nobody but a person who asked for them.
///
/// # Errors
/// When they would be kept or read by others.
pub fn check(args: &ReportArgs, untrusted: bool, is_ci: bool) -> Result<()> {
    if !args.show_secrets {
        return Ok(());
    }
    if is_ci {
        bail!(
            "--show-secrets is refused in CI, where logs are kept and read by many (CI is set in \
             the environment); run it at a terminal of your own"
        );
    }
    if untrusted {
        bail!("--show-secrets is refused with --untrusted, which hides what the cluster knows");
    }
    if let Some(file) = args.output.iter().find_map(|spec| spec.file.as_ref()) {
        bail!(
            "--show-secrets is refused for reports that are kept: leave out ={}",
            file.display()
        );
    }
    Ok(())
}

/// Takes out of a report what its reader must not see. `configured` is what the rules call secret.
pub fn redact(
    report: Report,
    args: &ReportArgs,
    untrusted: bool,
    configured: Option<Predicate>,
) -> Redacted {
    if args.show_secrets {
        return Redacted::showing_secrets(report);
    }
    redactor(args, untrusted, configured).redact(report)
}

/// What masks all that the reader must not see.
pub fn redactor(args: &ReportArgs, untrusted: bool, configured: Option<Predicate>) -> Redactor {
    Redactor {
        also: either(named(args), configured),
        live_values: if untrusted {
            LiveValues::Hidden
        } else {
            LiveValues::Shown
        },
    }
}

fn either(one: Option<Predicate>, other: Option<Predicate>) -> Option<Predicate> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Box::new(move |key, path| {
            one(key, path) || other(key, path)
        })),
        (one, other) => one.or(other),
    }
}

/// What `--redact` names.
fn named(args: &ReportArgs) -> Option<Predicate> {
    let named = args.redact.clone();
    (!named.is_empty()).then(|| {
        let is_named = move |key: &ResourceKey, path: &FieldPath| {
            named.iter().any(|secret| {
                let kind = secret.kind.as_ref();
                kind.is_none_or(|kind| glob(kind, &key.kind)) && secret.path.covers(path)
            })
        };
        Box::new(is_named) as Predicate
    })
}
