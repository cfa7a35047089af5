//! The options of a run.

use crate::cluster::audit;
use crate::policy::{Allowed, Filter};

/// Whether to search for undeclared live objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extra {
    /// Do not search.
    #[default]
    None,
    /// In the namespaces that the manifests cover.
    Namespace,
    /// Objects that the tools behind the sources manage.
    Managed,
    /// As `Namespace`, and in the namespace of `--namespace` even if nothing is declared there.
    Census,
}

/// The options of a run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--namespace`: the namespace of objects that name none, and the only namespace that is
    /// compared.
    pub namespace: Option<String>,
    /// `--all-namespaces`: compare all namespaces, whether declared or not.
    pub all_namespaces: bool,
    /// The filters of the run.
    pub filter: Filter,
    /// The objects that may be read.
    pub allowed: Allowed,
    /// `--untrusted`: whether to ignore rules that come with the manifests, because their author
    /// could hide drift with them.
    pub untrusted: bool,
    /// Whether to search for undeclared objects.
    pub extra: Extra,
    /// `--field-manager`: the managers that declare the manifests; if empty, they are determined
    /// for each object.
    pub field_managers: Vec<String>,
    /// `--audit-log`: audit logs of the API server.
    pub audit_logs: audit::Logs,
    /// `--server-dry-run`: whether to ask the server what an apply would change.
    pub server_dry_run: bool,
    /// Whether drift will be reverted: the run then needs more permissions.
    pub writes: bool,
    /// Whether the report includes explained paths.
    pub explain: bool,
    /// `--strict-fields`: whether unknown declared fields are drift.
    pub strict_fields: bool,
    /// `--strict-rules`: whether warnings about rules make the run incomplete.
    pub strict_rules: bool,
}

impl Options {
    /// Returns whether `--namespace` excludes an object in this namespace. Cluster-scoped objects
    /// stay.
    pub(super) fn is_elsewhere(&self, namespace: Option<&str>) -> bool {
        let only = self.namespace.as_deref().filter(|_| !self.all_namespaces);
        only.is_some() && namespace.is_some() && namespace != only
    }
}
