//! `driftctl ignore`

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::expiry;
use crate::cli::args::IgnoreArgs;
use crate::cli::comparison::{check, engine};
use crate::cli::selection::{self, Selection};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::config::{self, CONFIG_NAME, Found};
use crate::output::escape;
use crate::policy::{PathPattern, RuleSpec};

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

/// The objects and the path, of `KIND/NAME PATH` and of `KIND NAME PATH`.
fn object_and_path(args: &IgnoreArgs) -> Result<(Selection, PathPattern)> {
    let mut object = args.object.clone();
    let path = match (object.name.is_empty(), &args.words[..]) {
        (false, [path]) => path,
        (true, [name, path]) => {
            object.name.clone_from(name);
            path
        }
        (true, _) => bail!("write {0}/NAME PATH, or {0} NAME PATH", object.kind),
        (false, [.., extra]) => bail!("one path a rule; {extra} is one too many"),
        (false, []) => bail!("no path is named"),
    };
    let path = selection::pattern(path).map_err(|error| anyhow!("{path}: {error}"))?;
    Ok((object, path))
}

fn spec(args: &IgnoreArgs, settings: &Settings) -> Result<RuleSpec> {
    let (object, path) = object_and_path(args)?;
    let (group, kind) = object.group_kind().map_err(|why| anyhow!(why))?;
    if args.reason.trim().is_empty() {
        bail!("--reason is empty; say why the drift is ignored");
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
