//! Completes names in the shell: contexts, kinds, objects and revisions, instead of files.
//!
//! The scripts that `driftctl completions` writes call the program with the arguments so far.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use serde_json::Value;
use walkdir::WalkDir;

use super::args::Cli;
use crate::cluster;
use crate::model::KindPattern;
use crate::schema::builtin_kinds;
use crate::yaml;

/// The variable that a script sets to the name of its shell.
pub const VARIABLE: &str = "COMPLETE";

/// How many manifests are read: the user is waiting.
const MOST_FILES: usize = 500;

/// Larger files are skipped, in bytes.
const LARGEST: u64 = 1 << 20;

/// Answers a completion script. Returns whether it was one.
pub fn answer(words: &[OsString]) -> bool {
    if env::var_os(VARIABLE).is_none() {
        return false;
    }
    let here = env::current_dir().ok();
    let environment = CompleteEnv::with_factory(|| with_names(Cli::command())).var(VARIABLE);
    // A script that gets no answer offers nothing.
    environment
        .try_complete(words.iter().cloned(), here.as_deref())
        .unwrap_or(true)
}

/// Returns the command line with completions for its arguments.
fn with_names(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| {
            let selects = command.get_arguments().any(|arg| arg.get_id() == "object");
            command.mut_args(|arg| named(arg, selects))
        })
    })
}

/// Adds completions to an argument. With `selects`, PATH may also name an object.
fn named(arg: Arg, selects: bool) -> Arg {
    let names: fn() -> Vec<CompletionCandidate> = match arg.get_id().as_str() {
        "context" => || candidates(cluster::context_names()),
        "namespace" | "allow_namespace" => || candidates(declared().namespaces),
        "kind" | "allow_kind" => || candidates(kinds()),
        "object" => return arg.add(ArgValueCompleter::new(objects)),
        "paths" if selects => return arg.add(ArgValueCompleter::new(paths_and_objects)),
        "base" | "revision" => || candidates(revisions()),
        _ => return arg,
    };
    arg.add(ArgValueCandidates::new(names))
}

fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Completes the name of a declared object, with its kind as it was typed: `deploy/shop/cart`, or
/// `deploy/cart` if the name was typed.
fn objects(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_str().unwrap_or_default();
    let objects = declared().objects;
    let begun = |object: &String| object.to_lowercase().starts_with(&typed.to_lowercase());
    let Some((kind, name)) = typed.split_once('/') else {
        // Shells compare letter by letter: "dep" is not the beginning of "Deployment".
        let is_lower = typed.chars().any(char::is_lowercase) && !typed.contains(char::is_uppercase);
        return candidates(objects.into_iter().filter(begun).map(|object| {
            match is_lower {
                true => object
                    .split_once('/')
                    .map_or(object.clone(), |(kind, rest)| {
                        format!("{}/{rest}", kind.to_lowercase())
                    }),
                false => object,
            }
        }));
    };
    let Ok(pattern) = kind.parse::<KindPattern>();
    let mut found = BTreeSet::new();
    for object in &objects {
        let mut parts = object.split('/');
        let (Some(of), Some(last)) = (parts.next(), object.rsplit('/').next()) else {
            continue;
        };
        let mut built_in = builtin_kinds()
            .iter()
            .filter(|known| known.names().kind == of);
        let is_kind =
            of.eq_ignore_ascii_case(kind) || built_in.any(|known| pattern.matches(&known.names()));
        let rest = object.split_once('/').map_or("", |(_, rest)| rest);
        if is_kind && rest.starts_with(name) {
            found.insert(format!("{kind}/{rest}"));
        } else if is_kind && last.starts_with(name) {
            found.insert(format!("{kind}/{last}"));
        }
    }
    candidates(found)
}

/// Completes a file, a folder or a declared object.
fn paths_and_objects(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = PathCompleter::any().complete(typed);
    if !typed.is_empty() {
        found.extend(objects(typed));
    }
    found
}

/// Returns the built-in kinds, named as in kubectl.
fn kinds() -> BTreeSet<String> {
    let kinds = builtin_kinds().iter();
    let kinds = kinds.map(|kind| kind.names().called().plural.clone());
    kinds.filter(|plural| !plural.is_empty()).collect()
}

/// Returns the branches and tags of the repository around the current folder.
fn revisions() -> Vec<String> {
    let Ok(repository) = gix::discover(".") else {
        return Vec::new();
    };
    let Ok(references) = repository.references() else {
        return Vec::new();
    };
    let mut names = BTreeSet::new();
    for prefix in ["refs/heads/", "refs/remotes/", "refs/tags/"] {
        let found = references.prefixed(prefix);
        for reference in found.into_iter().flatten().flatten() {
            names.insert(reference.name().shorten().to_string());
        }
    }
    names.into_iter().collect()
}

/// Returns the objects that manifests below the current folder declare.
#[derive(Default)]
struct DeclaredObject {
    namespaces: BTreeSet<String>,
    objects: BTreeSet<String>,
}

fn declared() -> DeclaredObject {
    let mut declared = DeclaredObject::default();
    let files = WalkDir::new(".")
        .max_depth(8)
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0
                || !(name.starts_with('.') || name == "node_modules" || name == "target")
        });
    let is_manifest = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("yaml" | "yml" | "json"))
    };
    let files = files.flatten().filter(|entry| is_manifest(entry.path()));
    for entry in files.take(MOST_FILES) {
        let is_small = entry.metadata().is_ok_and(|found| found.len() <= LARGEST);
        if let (true, Ok(text)) = (is_small, fs::read_to_string(entry.path())) {
            for document in yaml::parse(&text).documents {
                declared.add(&document.value);
            }
        }
    }
    declared
}

impl DeclaredObject {
    fn add(&mut self, value: &Value) {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let (Some(kind), Some(name), Some(_)) =
            (text("/kind"), text("/metadata/name"), text("/apiVersion"))
        else {
            return;
        };
        if kind == "Namespace" {
            self.namespaces.insert(name.to_owned());
        }
        match text("/metadata/namespace") {
            Some(namespace) => {
                self.namespaces.insert(namespace.to_owned());
                self.objects.insert(format!("{kind}/{namespace}/{name}"));
            }
            None => {
                self.objects.insert(format!("{kind}/{name}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn completes_names_from_manifests_and_kinds() {
        let mut declared = DeclaredObject::default();
        declared.add(&json!({"apiVersion": "apps/v1", "kind": "Deployment",
                             "metadata": {"name": "cart", "namespace": "shop"}}));
        declared
            .add(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}));
        declared.add(&json!({"kind": "no manifest"}));
        let namespaces: Vec<_> = declared.namespaces.into_iter().collect();
        assert_eq!(namespaces, ["shop", "web"]);
        let objects: Vec<_> = declared.objects.into_iter().collect();
        assert_eq!(objects, ["Deployment/shop/cart", "Namespace/web"]);
        assert!(kinds().contains("deployments"));
    }
}
