//! A way into a cluster, whichever place it was found in.

use std::path::PathBuf;

use kube::Config;
use kube::config::ExecConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A cluster and the way in.
#[derive(Debug)]
pub(super) struct Login {
    pub config: Config,
    /// The context's name; `None` inside a cluster.
    pub context: Option<String>,
    /// The proxy that the kubeconfig names for this cluster.
    pub proxy: Option<String>,
    /// A plugin that has to be asked for credentials.
    pub exec: Option<ExecConfig>,
    /// A file that holds the token, and may hold another one later.
    pub token_file: Option<PathBuf>,
}

/// Returns the certificates of a PEM file; `None` when it holds none.
pub(super) fn certificates(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .map(|certificate| certificate.as_ref().to_vec())
        .collect();
    (!certificates.is_empty()).then_some(certificates)
}
