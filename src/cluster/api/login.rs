//! The connection settings of a cluster, from a kubeconfig or a pod.

use std::path::PathBuf;

use kube::Config;
use kube::config::ExecConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A cluster and its credentials.
#[derive(Debug)]
pub(super) struct Credentials {
    pub config: Config,
    /// The context's name; `None` inside a cluster.
    pub context: Option<String>,
    /// The proxy that the kubeconfig names for this cluster.
    pub proxy: Option<String>,
    /// A plugin that provides the credentials.
    pub exec: Option<ExecConfig>,
    /// A file that contains the token, which may be replaced later.
    pub token_file: Option<PathBuf>,
}

/// Returns the certificates in a PEM file; `None` if it contains none.
pub(super) fn certificates(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .map(|certificate| certificate.as_ref().to_vec())
        .collect();
    (!certificates.is_empty()).then_some(certificates)
}
