//! `driftctl ignore`

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::expiry;
use crate::cli::args::IgnoreArgs;
use crate::cli::comparison::{check, engine};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::config::{self, CONFIG_NAME, Found};
use crate::output::escape;
use crate::policy::RuleSpec;

/// Adds a rule to the configuration, and changes nothing else in it.
///
/// # Errors
/// When the file is broken, or cannot be added to: then it is as it was.
pub fn run(args: &IgnoreArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let spec = spec(args, settings)?;
    let here = Path::new(".");
    let found = match &args.config {
        Some(path) => Some(Found::named(path)).filter(|found| found.path.exists()),
        None => config::find(CONFIG_NAME, here)?,
    };
    let before = match &found {
        Some(found) => config::read_file(found)?,
        None => String::new(),
    };
    let file = match (found, &args.config) {
        (Some(found), _) => found,
        (None, Some(path)) => Found::named(path),
        (None, None) => config::beside(None, CONFIG_NAME, here)?,
    };
    let engine = engine();
    let jq = |expression: &str| check(&engine, expression);
    config::read(&file.name, &before, &jq)?;
    let after = config::append(&before, &spec).map_err(|error| {
        let text = config::rule_text(&spec);
        anyhow!(
            "{}: {error}; add this to ignoreDifferences by hand:\n{text}",
            file.name
        )
    })?;
    config::read(&file.name, &after, &jq).context("the rule does not fit in with the others")?;
    fs::write(&file.path, after).with_context(|| format!("cannot write {}", file.name))?;
    writeln!(streams.out, "added to {}:", escape::line(&file.name))?;
    write!(streams.out, "{}", escape::text(&config::rule_text(&spec)))?;
    Ok(Exit::Clean)
}

fn spec(args: &IgnoreArgs, settings: &Settings) -> Result<RuleSpec> {
    let (group, kind) = args.object.group_kind().map_err(|why| anyhow!(why))?;
    if args.reason.trim().is_empty() {
        bail!("--reason is empty; say why the drift is ignored");
    }
    let expires = expiry(args.expires.as_ref(), settings)?;
    let name = args.object.name.as_str();
    Ok(RuleSpec {
        id: args.id.clone().unwrap_or_default(),
        reason: args.reason.clone(),
        owner: args.owner.clone(),
        ticket: args.ticket.clone(),
        expires: expires.map(|expiry| expiry.to_string()),
        group,
        kind,
        namespace: args.object.namespace.clone().unwrap_or_default(),
        name: if name == "*" { "" } else { name }.to_owned(),
        paths: vec![args.path.to_string()],
        ..RuleSpec::default()
    })
}
