//! Tests the command line: arguments in; standard output, standard error and exit code out.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod argocd_rules;
mod audit_log;
mod backport;
mod backport_rendered;
mod basics;
mod coverage;
mod created;
mod deploy;
mod diff;
mod documents;
mod explain;
mod explained;
mod filters;
mod guard;
mod import_circles;
mod jq;
mod policy;
mod reading;
mod ready_to_use;
mod release;
mod rendering;
mod rules;
mod screenshot;
mod secrets;
mod source_files;
mod source_git;
mod sources;
mod timeline;
mod triage;
mod untrusted;
mod versions;
mod watch;
mod words;
