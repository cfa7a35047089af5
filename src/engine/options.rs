//! What a run is asked for.

use std::path::PathBuf;

use crate::policy::{Allowed, Filter};

/// Whether live objects that nobody declares are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extra {
    /// They are not.
    #[default]
    None,
    /// In the namespaces that the manifests cover.
    Namespace,
    /// Those that the tools which the sources stand for hold to be their own.
    Managed,
    /// Like `Namespace`, and in the namespace that `--namespace` names even if nothing is declared
    /// there.
    Census,
}

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--namespace`: where namespaced objects that name no namespace belong, and the only
    /// namespace that is looked at.
    pub namespace: Option<String>,
    /// `--all-namespaces`: all are looked at, declared or not.
    pub all_namespaces: bool,
    /// What the run is limited to.
    pub filter: Filter,
    /// The objects that may be read.
    pub allowed: Allowed,
    /// `--untrusted`: whether rules that come with the manifests are ignored, because
    /// their author could hide drift with them.
    pub untrusted: bool,
    /// Whether undeclared objects are looked for.
    pub extra: Extra,
    /// `--field-manager`: who declares the manifests; empty to find out for each object.
    pub field_managers: Vec<String>,
    /// `--audit-log`: logs of the API server that tell who wrote what.
    pub audit_logs: Vec<PathBuf>,
    /// `--server-dry-run`: whether the server is asked what applying would change.
    pub server_dry_run: bool,
    /// Whether drift is to be reverted: what that needs is a part of what the run needs.
    pub writes: bool,
    /// Whether paths that are explained are wanted in the report.
    pub explain: bool,
    /// `--strict-fields`: whether declared fields that their types do not have are drift.
    pub strict_fields: bool,
    /// `--strict-rules`: whether warnings about rules make the run incomplete.
    pub strict_rules: bool,
}

impl Options {
    /// Returns whether `--namespace` leaves out what is in a namespace. What is in none stays in.
    pub(super) fn is_elsewhere(&self, namespace: Option<&str>) -> bool {
        let only = self.namespace.as_deref().filter(|_| !self.all_namespaces);
        only.is_some() && namespace.is_some() && namespace != only
    }
}
