//! Finds Helm's records: in Secrets, unless Helm is configured to use ConfigMaps (`HELM_DRIVER`).

use serde_json::Value;

use super::{HelmReleases, name_of};
use crate::cluster::{AccessRight, Label, Live, Query, ServedKind};
use crate::source::LoadedSource;

/// The prefix of the names of records (`helm/pkg/storage/storage.go`, `makeKey`).
const PREFIX: &str = "sh.helm.release.v";

impl HelmReleases {
    /// Returns the objects with records, in either kind. One cluster can have both: each `helm` has
    /// its own setting. Returns `None` if there is nothing to read, with a warning.
    pub(super) fn records(&self, live: &dyn Live, loaded: &mut LoadedSource) -> Option<Vec<Value>> {
        let secrets = self.list(live, "Secret");
        let is_found = |records: &[Value]| self.release.is_some() && !records.is_empty();
        if let Ok(records) = &secrets
            && is_found(records)
        {
            return secrets.ok();
        }
        let unread = |why: &String| format!("cannot read the Helm release records: {why}");
        let records = match (secrets, self.list(live, "ConfigMap")) {
            (Ok(secrets), Ok(maps)) => [secrets, maps].concat(),
            (Ok(secrets), Err(why)) if !secrets.is_empty() => {
                let message = format!(
                    "releases that Helm keeps in ConfigMaps (HELM_DRIVER=configmap) are left out: \
                     {why}"
                );
                loaded.warning(self.place(), message);
                secrets
            }
            (Ok(_), Err(why)) | (Err(why), Err(_)) => {
                loaded.error(self.place(), unread(&why));
                return None;
            }
            (Err(_), Ok(maps)) if is_found(&maps) => maps,
            (Err(why), Ok(maps)) => {
                loaded.error(self.place(), unread(&why));
                return Some(maps);
            }
        };
        if records.is_empty() {
            loaded.error(self.place(), self.none());
        }
        Some(records)
    }

    /// Returns the permissions that reading needs.
    pub(super) fn rights_on_records(&self) -> Vec<AccessRight> {
        let secrets = ServedKind {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            plural: "secrets".to_owned(),
            namespaced: true,
            short_names: Vec::new(),
        };
        vec![AccessRight::new(
            "list",
            &secrets,
            self.namespace.as_deref(),
        )]
    }

    fn list(&self, live: &dyn Live, kind: &str) -> Result<Vec<Value>, String> {
        // https://github.com/helm/helm/blob/main/pkg/storage/driver/secrets.go, newSecretsObject.
        // Most records are history.
        let mut labels = vec![
            Label::Is("owner", "helm"),
            Label::IsNot("status", "superseded"),
        ];
        labels.extend(self.release.as_deref().map(|name| Label::Is("name", name)));
        let query = Query {
            api_version: "v1",
            kind,
            namespace: self.namespace.as_deref(),
            labels: &labels,
            metadata_only: false,
        };
        let mut found = live.list(&query).map_err(|error| error.to_string())?;
        // Anyone may put Helm's label on their own objects.
        found.retain(|object| name_of(object).starts_with(PREFIX));
        Ok(found)
    }

    fn none(&self) -> String {
        let what = match (&self.namespace, &self.release) {
            (Some(namespace), Some(name)) => {
                format!("no release {name} in the namespace {namespace}")
            }
            (Some(namespace), None) => format!("no release in the namespace {namespace}"),
            (None, _) => "no release".to_owned(),
        };
        format!(
            "{what}: `helm list --all-namespaces` lists releases; a recording contains releases \
             only if it was made with Secrets"
        )
    }
}
