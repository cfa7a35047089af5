//! Decides which values are shown, and to whom.

use anyhow::{Result, bail};

use super::args::{RedactArgs, ReportArgs};
use crate::model::{FieldPath, KindAliases, KindPattern, Report, ResourceKey, Warning};
use crate::policy::glob;
use crate::redact::{LiveValues, Predicate, Redacted, Redactor, WholeObjects};
use crate::schema::{builtin_kind_of_group, builtin_kinds};

/// Checks that secrets are shown only to a person who asked for them.
///
/// # Errors
/// Fails if they would be stored or read by others.
pub fn check(args: &ReportArgs, untrusted: bool, is_ci: bool) -> Result<()> {
    if !args.show_secrets {
        return Ok(());
    }
    if is_ci {
        bail!(
            "--show-secrets is not allowed in CI, where many people can read the logs (CI is set \
             in the environment); run it in your own terminal"
        );
    }
    if untrusted {
        bail!("--show-secrets is not allowed with --untrusted, which hides cluster data");
    }
    if let Some(file) = args.output.iter().find_map(|spec| spec.file.as_ref()) {
        bail!(
            "--show-secrets is not allowed for reports written to files: leave out ={}",
            file.display()
        );
    }
    Ok(())
}

/// Masks what readers of the report must not see. `configured` are the values that rules mark as
/// secret, and `whole` says which objects are shown as a whole.
pub fn redact(
    mut report: Report,
    args: &RedactArgs,
    untrusted: bool,
    configured: Option<Predicate>,
    whole: WholeObjects,
) -> Redacted {
    let unknown = unknown_kinds(args, &report);
    report.warnings.extend(unknown);
    let redactor = redactor(args, untrusted, configured);
    redactor.showing(whole).redact(report)
}

/// Returns errors about unknown kinds in `--redact`: a misspelt kind would mask nothing.
fn unknown_kinds(args: &RedactArgs, report: &Report) -> Vec<Warning> {
    let kinds = args.redact.iter().filter_map(|secret| secret.kind.as_ref());
    let is_known = |kind: &KindPattern| {
        let mut keys = report.objects.iter().map(|object| &object.key);
        keys.any(|key| is_of_kind(kind, key))
            || builtin_kinds()
                .iter()
                .any(|known| kind.matches(&known.names()))
    };
    let unknown = kinds.filter(|kind| !is_known(kind));
    unknown
        .map(|kind| {
            Warning::new(
                "",
                format!(
                    "--redact {kind}:… masks nothing: no object of this kind was compared, and it \
                     is not a built-in kind; check its spelling"
                ),
            )
        })
        .collect()
}

/// Returns the redactor for a report.
pub fn redactor(args: &RedactArgs, untrusted: bool, configured: Option<Predicate>) -> Redactor {
    let live_values = match untrusted {
        true => LiveValues::Hidden,
        false => LiveValues::Shown,
    };
    Redactor::of(any_predicate(named(args), configured), live_values)
}

fn any_predicate(one: Option<Predicate>, other: Option<Predicate>) -> Option<Predicate> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Box::new(move |key, path| {
            one(key, path) || other(key, path)
        })),
        (one, other) => one.or(other),
    }
}

/// Returns whether an object is of a kind. A built-in kind matches by any of its names, any other
/// kind by its own name. Case is ignored, so that masking does not depend on it.
fn is_of_kind(kind: &KindPattern, key: &ResourceKey) -> bool {
    let own = KindAliases::default();
    let of_group = format!("{}/", key.group);
    let known = builtin_kind_of_group(&key.group, &key.kind);
    kind.matches(&own.names(&of_group, &key.kind))
        || known.iter().any(|known| kind.matches(&known.names()))
        || glob(kind.name(), &key.kind)
}

/// Returns the values that `--redact` names.
fn named(args: &RedactArgs) -> Option<Predicate> {
    let named = args.redact.clone();
    (!named.is_empty()).then(|| {
        let is_named = move |key: &ResourceKey, path: &FieldPath| {
            named.iter().any(|secret| {
                let kind = secret.kind.as_ref();
                kind.is_none_or(|kind| is_of_kind(kind, key)) && secret.path.covers(path)
            })
        };
        Box::new(is_named) as Predicate
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_kinds_by_any_of_their_names() {
        let is = |text: &str, group: &str, kind: &str| {
            let key = ResourceKey::new(group.to_owned(), kind.to_owned(), None, "a");
            is_of_kind(&text.parse().unwrap(), &key)
        };
        for text in ["ConfigMap", "configmap", "configmaps", "cm", "Config*", "*"] {
            assert!(is(text, "", "ConfigMap"), "{text}");
        }
        for text in ["License", "license", "license.example.com", "Lic*"] {
            assert!(is(text, "example.com", "License"), "{text}");
        }
        assert!(!is("license.example.org", "example.com", "License"));
        assert!(!is("Secret", "", "ConfigMap"));
    }
}
