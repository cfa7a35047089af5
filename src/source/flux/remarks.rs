//! Warns about a Kustomization if Flux would read other files or do more.

use super::FluxKustomization;
use crate::source::LoadedSource;
use crate::source::checkout::Checkouts;
use crate::source::gitops::{GitOpsObject, RevisionRequest};

impl FluxKustomization<'_> {
    /// Warns if the files that are read are not those that Flux reads.
    pub(super) fn remark_source(
        &self,
        target: Option<&RevisionRequest>,
        elsewhere: Option<String>,
        checkouts: &Checkouts<'_>,
        loaded: &mut LoadedSource,
    ) {
        let source = &self.spec.source_ref;
        if !source.is_git() {
            let message = format!(
                "its source is not a GitRepository but an {}; the files of this repository are \
                 used instead; if its paths start in a folder, name it with --repo-root",
                source.kind
            );
            self.remark(": ", &message, loaded);
        }
        let Some(target) = target else { return };
        let difference = checkouts.difference(target);
        for message in elsewhere.into_iter().chain(difference) {
            self.remark(": ", &message, loaded);
        }
    }

    /// Warns about settings that Flux applies but driftctl does not.
    pub(super) fn remark_settings(&self, unread: &[String], loaded: &mut LoadedSource) {
        for setting in unread {
            let message = match setting.as_str() {
                "suspend" => "is suspended: Flux does not apply it until it is resumed".into(),
                // SOPS-encrypted data is recognized by its form, whatever decrypts it.
                "decryption" => continue,
                "kubeConfig" => "is applied to the cluster of its kubeConfig; make sure that you \
                 compare with that cluster"
                    .into(),
                other => format!(
                    "has the setting {other}, which is not supported; its effect is not compared"
                ),
            };
            self.remark(" ", &message, loaded);
        }
    }

    /// Warns about files that Flux includes in the source but that are not available here.
    pub(super) fn remark_repository(
        &self,
        repository: Option<&GitOpsObject>,
        loaded: &mut LoadedSource,
    ) {
        let included = repository.and_then(|found| found.value.pointer("/spec/include/0"));
        if let (Some(found), Some(_)) = (repository, included) {
            let name = found.metadata("name");
            let message = format!(
                "the GitRepository {name} includes files of other repositories (spec.include), \
                 which are not available: objects declared in them are not compared"
            );
            loaded.warning(&found.place, message);
        }
    }

    fn remark(&self, between: &str, message: &str, loaded: &mut LoadedSource) {
        let subject = format!("Kustomization {}{between}", self.name());
        let subject = self.found.subject(&subject);
        loaded.warning(&self.found.place, format!("{subject}{message}"));
    }
}
