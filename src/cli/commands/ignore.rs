//! `driftctl ignore`

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::expiry;
use super::rewrite::FileRewrite;
use crate::cli::args::IgnoreArgs;
use crate::cli::comparison::{check, jq};
use crate::cli::selection::{self, ObjectSelection};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::config::{self, CONFIG_NAME, FoundConfig};
use crate::output::escape;
use crate::policy::{PathPattern, RuleSpec};

/// Adds a rule to the configuration.
///
/// # Errors
/// Fails if the file is broken, or cannot be added to; then it is unchanged.
pub fn run(args: &IgnoreArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let spec = spec(args, settings)?;
    let text = config::rule_text(&spec);
    let added = with_rules(args.config.as_deref(), Path::new("."), &[spec])?;
    added.write()?;
    writeln!(streams.out, "added to {}:", escape::line(added.name()))?;
    write!(streams.out, "{}", escape::text(&text))?;
    Ok(Exit::Clean)
}

/// Returns the named configuration, or the one above `start`, or a new one there, with more rules.
///
/// # Errors
/// Fails if the file is broken, or cannot be added to.
pub(super) fn with_rules(
    named: Option<&Path>,
    start: &Path,
    specs: &[RuleSpec],
) -> Result<FileRewrite> {
    let file = match named {
        Some(path) => FoundConfig::named(path),
        None => match config::find(CONFIG_NAME, start)? {
            Some(found) => found,
            None => config::new_file(None, CONFIG_NAME, start)?,
        },
    };
    let engine = jq();
    let jq = |expression: &str| check(&engine, expression);
    FileRewrite::of(file, |before, file| {
        config::read(&file.name, before, &jq)?;
        let mut after = before.to_owned();
        for spec in specs {
            after = config::append(&after, spec).map_err(|error| {
                let text = config::rule_text(spec);
                anyhow!(
                    "{}: {error}; add this to ignoreDifferences by hand:\n{text}",
                    file.name
                )
            })?;
        }
        config::read(&file.name, &after, &jq).context("the rule conflicts with an existing one")?;
        Ok(after)
    })
}

/// Returns the objects and the path from `KIND/NAME PATH` or `KIND NAME PATH`.
fn object_and_path(args: &IgnoreArgs) -> Result<(ObjectSelection, PathPattern)> {
    let mut object = args.object.clone();
    let path = match (object.name.is_empty(), &args.words[..]) {
        (false, [path]) => path,
        (true, [name, path]) => {
            object.name.clone_from(name);
            path
        }
        (true, _) => bail!("write {0}/NAME PATH, or {0} NAME PATH", object.kind),
        (false, [.., extra]) => bail!("a rule takes one path; remove {extra}"),
        (false, []) => bail!("the path is missing"),
    };
    let path = selection::pattern(path).map_err(|error| anyhow!("{path}: {error}"))?;
    Ok((object, path))
}

fn spec(args: &IgnoreArgs, settings: &Settings) -> Result<RuleSpec> {
    let (object, path) = object_and_path(args)?;
    let (group, kind) = object.group_kind().map_err(|why| anyhow!(why))?;
    if args.reason.trim().is_empty() {
        bail!("--reason is empty; say why the drift should be ignored");
    }
    let expires = expiry(args.expires.as_ref(), settings)?;
    let name = object.name.as_str();
    Ok(RuleSpec {
        id: args.id.clone().unwrap_or_default(),
        reason: args.reason.clone(),
        owner: args.owner.clone(),
        ticket: args.ticket.clone(),
        expires: expires.map(|expiry| expiry.to_string()),
        group,
        kind,
        namespace: object.namespace.clone().unwrap_or_default(),
        name: if name == "*" { "" } else { name }.to_owned(),
        paths: vec![path.to_string()],
        ..RuleSpec::default()
    })
}
