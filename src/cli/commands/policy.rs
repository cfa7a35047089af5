//! `driftctl policy`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::admission::{Policies, PolicyInput, RequestUser, stored};
use crate::cli::args::{CommandFormat, PolicyArgs, PolicyFailOn, SourceArgs};
use crate::cli::comparison::{self, load};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::jq::Jq;
use crate::model::{
    Coverage, Enforcement, Manifest, ManifestStep, ObjectReport, Presence, Report, ResourceKey,
    Violation, Warning, group_of,
};
use crate::output::{self, OutputSpec, RenderOptions, render_all};
use crate::redact::{Redacted, redact};
use crate::schema::{Schema, builtin_kind};

/// Reports what policies would refuse in the manifests. Reads no cluster.
///
/// # Errors
/// Fails if nothing can be read, or the result cannot be written.
pub fn run(args: &PolicyArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.source.base.is_some() || args.source.blame {
        bail!("--base and --blame are for 'driftctl diff'; leave them out");
    }
    let mut warnings = Vec::new();
    let declared = load(&args.source, &mut warnings)?;
    let of_policies = SourceArgs {
        paths: args.policies.clone(),
        ..SourceArgs::default()
    };
    let read = load(&of_policies, &mut warnings)?;
    let both = read.iter().chain(&declared);
    let others: Vec<Value> = declared
        .iter()
        .filter(|manifest| !is_about_admission(manifest))
        .map(|manifest| manifest.value())
        .collect();
    let policies = Policies::of(read.iter().map(|manifest| manifest.value()).chain(others));
    if policies.is_empty() {
        let named: Vec<String> = args
            .policies
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        bail!(
            "no ValidatingAdmissionPolicy and no policy of Kyverno in {}; other policies are not \
             evaluated here",
            named.join(", ")
        );
    }
    if declared.is_empty() && warnings.iter().all(|warning| !warning.fatal) {
        let named: Vec<String> = args
            .source
            .paths
            .iter()
            .map(|p: &PathBuf| p.display().to_string())
            .collect();
        bail!(
            "no Kubernetes object in {}; check the path",
            named.join(", ")
        );
    }
    warnings.extend(
        policies
            .problems()
            .into_iter()
            .map(|message| Warning::new("", message)),
    );
    let kinds = PolicyKinds::of(both);
    let user = args.as_user.as_deref();
    let user = user.map(|name| RequestUser::acting(name, &args.as_group));
    let engine = comparison::jq();
    engine.limit_whole_run(comparison::POLICIES);
    let mut passed = 0;
    let mut objects: Vec<ObjectReport> = declared
        .iter()
        .map(|manifest| {
            let by = (&policies, user.as_ref());
            judge(manifest, &kinds, by, &engine, args, &mut passed)
        })
        .collect();
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    warnings.sort();
    let report = redact(Report {
        coverage: Coverage {
            declared: objects.len(),
            compared: objects.len(),
            failed: warnings.iter().filter(|warning| warning.fatal).count(),
            ..Coverage::default()
        },
        objects,
        warnings,
        ..Report::default()
    });
    write(&report, &policies, passed, args, settings, streams)?;
    Ok(exit(&report, args))
}

/// Returns whether a manifest is a policy, a binding, or an exception from policies. The manifests
/// do not decide which policies apply to them.
fn is_about_admission(manifest: &Manifest) -> bool {
    manifest.kind.starts_with("ValidatingAdmissionPolicy") || manifest.kind == "PolicyException"
}

fn exit(report: &Report, args: &PolicyArgs) -> Exit {
    let all = || report.objects.iter().flat_map(|object| &object.violations);
    let cannot = all().any(|one| one.enforcement == Enforcement::Cannot);
    let counts = |one: &Violation| match args.fail_on {
        PolicyFailOn::Violation => one.enforcement.refuses(),
        PolicyFailOn::ViolationAudit => one.enforcement != Enforcement::Cannot,
    };
    if report.is_incomplete() || args.strict_policies && cannot {
        Exit::Trouble
    } else if all().any(counts) {
        Exit::Drift
    } else {
        Exit::Clean
    }
}

/// The known kinds: built-in ones, and those of CustomResourceDefinitions.
pub struct PolicyKinds {
    custom: Vec<(Value, Schema)>,
}

impl PolicyKinds {
    /// Returns the built-in kinds, and those that these manifests define.
    pub fn of<'m>(manifests: impl Iterator<Item = &'m Arc<Manifest>>) -> Self {
        let definitions = manifests.filter(|m| m.kind == "CustomResourceDefinition");
        let definitions = definitions.map(|manifest| {
            let value = manifest.value();
            let schema = Schema::from_crd(&value);
            (value, schema)
        });
        Self {
            custom: definitions.collect(),
        }
    }

    /// Returns the resource of a kind, whether it is namespaced, and its schema.
    pub fn find(&self, manifest: &Manifest) -> Option<(String, bool, &Schema)> {
        if let Some(kind) = builtin_kind(&manifest.api_version, &manifest.kind) {
            return Some((kind.plural.to_owned(), kind.namespaced, Schema::builtin()));
        }
        self.custom.iter().find_map(|(definition, schema)| {
            schema.kind(&manifest.api_version, &manifest.kind)?;
            let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
            let plural = text("/spec/names/plural")?.to_owned();
            Some((plural, text("/spec/scope") == Some("Namespaced"), schema))
        })
    }
}

fn judge(
    manifest: &Arc<Manifest>,
    kinds: &PolicyKinds,
    (policies, user): (&Policies, Option<&RequestUser>),
    engine: &Jq,
    args: &PolicyArgs,
    passed: &mut usize,
) -> ObjectReport {
    let found = kinds.find(manifest);
    let namespaced = found.as_ref().is_none_or(|(_, namespaced, _)| *namespaced);
    let namespace = namespaced.then(|| {
        let own = manifest.namespace.clone();
        own.unwrap_or_else(|| args.namespace.clone())
    });
    let key = ResourceKey::new(
        group_of(&manifest.api_version).to_owned(),
        manifest.kind.clone(),
        namespace.clone(),
        manifest.name.clone(),
    );
    let mut value = manifest.value();
    if let (Some(namespace), Some(metadata)) = (namespace, value.get_mut("metadata")) {
        metadata["namespace"] = json!(namespace);
    }
    let object = found
        .as_ref()
        .and_then(|(_, _, schema)| stored(schema, &value))
        .unwrap_or(value);
    let subject = PolicyInput {
        key: &key,
        api_version: &manifest.api_version,
        plural: found.as_ref().map(|(plural, _, _)| plural.as_str()),
        object: if args.delete { &Value::Null } else { &object },
        old: args.delete.then_some(&object),
        subresource: "",
        user,
    };
    let evaluate = |policy: &str, input: &Value| comparison::evaluate(engine, policy, input);
    let verdicts = policies.verdicts(subject, &evaluate);
    *passed += verdicts.passed;
    let mut violations = verdicts.violations;
    for (violation, field) in violations.iter_mut().zip(verdicts.fields) {
        let steps: Vec<ManifestStep> = field.into_iter().map(ManifestStep::Field).collect();
        if !steps.is_empty() {
            violation.position = manifest.locate(&steps);
        }
    }
    ObjectReport {
        presence: Presence::Both,
        violations,
        ..ObjectReport::of(key, manifest)
    }
}

fn write(
    report: &Redacted,
    policies: &Policies,
    passed: usize,
    args: &PolicyArgs,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    if args.output == CommandFormat::Text {
        let out = &mut streams.out;
        return output::policies_text(report, policies.len(), passed, out)
            .context("cannot write to standard output");
    }
    let spec: OutputSpec = args.output.as_str().parse().map_err(anyhow::Error::msg)?;
    let options = RenderOptions {
        now: Some(settings.now),
        width: settings.columns,
        ..RenderOptions::default()
    };
    let reports = std::slice::from_ref(report);
    render_all(spec.format, reports, &options, &mut streams.out)
        .context("cannot write to standard output")
}
