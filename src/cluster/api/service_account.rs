//! Connects from a pod without a kubeconfig, with the mounted service account, as client-go's
//! `rest.InClusterConfig` does.
//!
//! kube does the same with fixed paths, which tests cannot use; and errors here name the missing
//! file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use http::Uri;
use kube::Config;

use super::login::{Credentials, certificates};

/// The directory in which the kubelet mounts the token, the certificate authority and the
/// namespace.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The service account of a pod.
#[derive(Debug, Default)]
pub(super) struct ServiceAccount {
    /// The mounted directory.
    folder: PathBuf,
    /// `KUBERNETES_SERVICE_HOST`: a name or an IP address.
    host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`.
    port: Option<String>,
    /// `POD_NAMESPACE`, which a pod may set with the downward API.
    namespace: Option<String>,
}

impl ServiceAccount {
    /// Returns the service account of the pod that this program runs in, if any.
    pub fn of_this_pod() -> Self {
        Self::at(Path::new(FOLDER), |name| std::env::var(name).ok())
    }

    fn at(folder: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            folder: folder.to_owned(),
            host: variable("KUBERNETES_SERVICE_HOST"),
            port: variable("KUBERNETES_SERVICE_PORT"),
            namespace: variable("POD_NAMESPACE"),
        }
    }

    fn token(&self) -> PathBuf {
        self.folder.join("token")
    }

    /// Returns what this pod lacks to connect, in words; `None` if it lacks nothing.
    pub fn lacks(&self) -> Option<String> {
        let token = self.token();
        match (&self.host, &self.port) {
            (None, None) => Some("this is not a pod with a service account".to_owned()),
            (Some(_), None) => Some("KUBERNETES_SERVICE_PORT is not set".to_owned()),
            (None, Some(_)) => Some("KUBERNETES_SERVICE_HOST is not set".to_owned()),
            _ if token.is_file() => None,
            // `automountServiceAccountToken: false`, in the pod or in its service account.
            _ => Some(format!(
                "this pod has no service account token at {} (automountServiceAccountToken may be \
                 false)",
                token.display()
            )),
        }
    }

    /// Returns the connection settings. The token stays in its file, because the kubelet renews it
    /// there.
    ///
    /// # Errors
    /// Fails if the address is invalid, or the certificates of the authority cannot be read.
    pub fn login(&self) -> Result<Credentials> {
        let mut config = Config::new(self.address()?);
        let authority = self.folder.join("ca.crt");
        let pem = fs::read(&authority);
        let pem = pem.with_context(|| format!("{}", authority.display()))?;
        let roots = certificates(&pem);
        let roots =
            roots.with_context(|| format!("{} contains no certificate", authority.display()));
        config.root_cert = Some(roots?);
        config.default_namespace = self.namespace();
        config.default_retry = false;
        Ok(Credentials {
            config,
            context: None,
            proxy: None,
            exec: None,
            token_file: Some(self.token()),
        })
    }

    fn address(&self) -> Result<Uri> {
        let host = self.host.as_deref().unwrap_or_default();
        let port = self.port.as_deref().unwrap_or_default();
        let address = match host.contains(':') {
            true => format!("https://[{host}]:{port}"), // IPv6
            false => format!("https://{host}:{port}"),
        };
        address.parse().map_err(|_| {
            anyhow!(
                "KUBERNETES_SERVICE_HOST ({host}) and KUBERNETES_SERVICE_PORT ({port}) are not an \
                 address"
            )
        })
    }

    /// Returns the pod's namespace, from the sources that client-go uses
    /// (`inClusterClientConfig.Namespace`).
    fn namespace(&self) -> String {
        let mounted = || fs::read_to_string(self.folder.join("namespace")).ok();
        let namespace = self.namespace.clone().or_else(mounted);
        let namespace = namespace.map(|name| name.trim().to_owned());
        namespace
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kubeconfig::{KubeconfigInputs, login};
    use super::*;

    const VARIABLES: &[(&str, &str)] = &[
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ];

    /// Creates a service account's directory with the named files.
    fn pod(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let text = match *name {
                "ca.crt" => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "namespace" => "payments\n",
                _ => "a-token\n",
            };
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn account(folder: &Path, variables: &[(&str, &str)]) -> ServiceAccount {
        ServiceAccount::at(folder, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Connects without a kubeconfig, and returns the result.
    fn enter(files: &[&str], variables: &[(&str, &str)]) -> Result<Credentials, String> {
        let folder = pod(files);
        let choice = KubeconfigInputs {
            pod: account(folder.path(), variables),
            ..KubeconfigInputs::default()
        };
        login(&choice).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_pod_connects_without_a_kubeconfig() {
        let login = enter(&["token", "ca.crt", "namespace"], VARIABLES).unwrap();
        assert_eq!(login.config.cluster_url, "https://10.96.0.1:443/");
        assert_eq!(login.config.default_namespace, "payments");
        assert_eq!(login.config.root_cert.map(|roots| roots.len()), Some(1));
        assert!(login.token_file.unwrap().ends_with("token"));
        assert_eq!(login.context, None);
        let named = [VARIABLES, &[("POD_NAMESPACE", "billing")]].concat();
        let login = enter(&["token", "ca.crt", "namespace"], &named).unwrap();
        assert_eq!(login.config.default_namespace, "billing");
        let login = enter(&["token", "ca.crt"], VARIABLES).unwrap();
        assert_eq!(login.config.default_namespace, "default");
    }

    #[test]
    fn builds_addresses_as_client_go_does() {
        for (host, port, address) in [
            (
                "kubernetes.default.svc",
                "6443",
                "https://kubernetes.default.svc:6443/",
            ),
            ("2001:db8::1", "443", "https://[2001:db8::1]:443/"),
        ] {
            let variables = [
                ("KUBERNETES_SERVICE_HOST", host),
                ("KUBERNETES_SERVICE_PORT", port),
            ];
            let login = enter(&["token", "ca.crt"], &variables).unwrap();
            assert_eq!(login.config.cluster_url, address);
        }
    }

    #[test]
    fn an_incomplete_service_account_is_an_error_that_names_the_missing_part() {
        let all = &["token", "ca.crt"][..];
        for (files, variables, words) in [
            (
                &[][..],
                VARIABLES,
                "/token (automountServiceAccountToken may be false)",
            ),
            (all, &[], "this is not a pod with a service account"),
            (all, &VARIABLES[..1], "KUBERNETES_SERVICE_PORT is not set"),
            (all, &VARIABLES[1..], "KUBERNETES_SERVICE_HOST is not set"),
            (&["token"], VARIABLES, "ca.crt"),
            (
                all,
                &[VARIABLES[0], ("KUBERNETES_SERVICE_PORT", "no port")],
                "KUBERNETES_SERVICE_PORT (no port)",
            ),
        ] {
            let error = enter(files, variables).unwrap_err();
            assert!(error.contains(words), "{error}");
            assert!(error.contains("--kubeconfig FILE"), "{error}");
        }
    }

    #[test]
    fn a_named_kubeconfig_is_used_even_in_a_pod() {
        let folder = pod(&["token", "ca.crt"]);
        let choice = |context| KubeconfigInputs {
            pod: account(folder.path(), VARIABLES),
            context,
            ..KubeconfigInputs::default()
        };
        let named = KubeconfigInputs {
            flag: Some(Path::new("not-there")),
            ..choice(None)
        };
        assert!(login(&named).is_err());
        let listed = KubeconfigInputs {
            variable: Some("not-there".as_ref()),
            ..choice(None)
        };
        assert!(login(&listed).is_err());
        assert!(login(&choice(Some("production"))).is_err());
    }
}
