//! Finds the cluster and the user from `--kubeconfig`, `KUBECONFIG`, `~/.kube/config` and
//! `--context`, as kubectl does.
//!
//! The rules are those of client-go (`clientcmd`), with two differences. A kubeconfig that is named
//! but broken is an error, and so is a context that does not exist: driftctl never falls back to
//! another cluster. And files are merged and selected here rather than by `kube::Config`, which
//! matches `NO_PROXY` against the proxy's own address and runs an exec plugin twice.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, ExecAuthCluster, ExecConfig, Kubeconfig, KubeconfigError,
};

use secrecy::{ExposeSecret as _, SecretString};

use super::login::{Credentials, certificates};
use super::service_account::ServiceAccount;
use crate::model::nearest;

/// The inputs that decide which kubeconfig is read.
#[derive(Debug, Default)]
pub(super) struct KubeconfigInputs<'c> {
    /// `--kubeconfig`.
    pub flag: Option<&'c Path>,
    /// The value of `KUBECONFIG`.
    pub variable: Option<&'c OsStr>,
    /// The user's home directory.
    pub home: Option<&'c Path>,
    /// `--context`.
    pub context: Option<&'c str>,
    /// The directories that manifests are read from. A kubeconfig in one of them would let the
    /// author of the manifests run programs (CVE-2022-24817).
    pub scanned: &'c [PathBuf],
    /// The service account, if this process runs in a pod.
    pub pod: ServiceAccount,
}

/// Finds the cluster, without reading from the network.
pub(super) fn login(choice: &KubeconfigInputs<'_>) -> Result<Credentials> {
    let Some(files) = files(choice)? else {
        return in_cluster(choice);
    };
    let merged = read(&files)?;
    select(merged, choice.context).with_context(|| format!("kubeconfig {}", names(&files)))
}

/// Returns the files to read; `None` if there is no kubeconfig at all.
fn files(choice: &KubeconfigInputs<'_>) -> Result<Option<Vec<PathBuf>>> {
    if let Some(file) = choice.flag {
        refuse_scanned(file, choice.scanned)?;
        return Ok(Some(vec![file.to_owned()]));
    }
    let listed: Vec<PathBuf> = choice
        .variable
        .map(|list| {
            std::env::split_paths(list)
                .filter(|path| !path.as_os_str().is_empty())
                .collect()
        })
        .unwrap_or_default();
    if !listed.is_empty() {
        // As in kubectl, files in the list may be missing, but not all of them.
        let there: Vec<_> = listed
            .iter()
            .filter(|path| !is_missing(path))
            .cloned()
            .collect();
        ensure!(
            !there.is_empty(),
            "KUBECONFIG names {}, which does not exist",
            names(&listed)
        );
        for file in &there {
            refuse_scanned(file, choice.scanned)?;
        }
        return Ok(Some(there));
    }
    let default = choice.home.map(|home| home.join(".kube").join("config"));
    Ok(default
        .filter(|path| !is_missing(path))
        .map(|path| vec![path]))
}

fn is_missing(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn names(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    names.join(", ")
}

fn refuse_scanned(file: &Path, scanned: &[PathBuf]) -> Result<()> {
    let Ok(file) = file.canonicalize() else {
        return Ok(()); // reading it says what is wrong
    };
    let within = |folder: &&PathBuf| {
        let folder = folder.canonicalize();
        folder.is_ok_and(|folder| folder.is_dir() && file.starts_with(folder))
    };
    match scanned.iter().find(within) {
        Some(folder) => bail!(
            "{}: a kubeconfig among the manifests of {} is not used, because it can run programs; \
             keep it elsewhere",
            file.display(),
            folder.display()
        ),
        None => Ok(()),
    }
}

/// Reads and merges the files. If two entries have the same name, the first file's entry is used,
/// as in kubectl.
fn read(files: &[PathBuf]) -> Result<Kubeconfig> {
    let mut merged = Kubeconfig::default();
    for file in files {
        let mut read = Kubeconfig::read_from(file).map_err(|error| unreadable(file, &error))?;
        read.current_context = read.current_context.filter(|name| !name.is_empty());
        merged = merged
            .merge(read)
            .map_err(|error| anyhow!("kubeconfig {}: {error}", file.display()))?;
    }
    Ok(merged)
}

/// Returns an error with the position but not the text: the file contains credentials.
fn unreadable(file: &Path, error: &KubeconfigError) -> anyhow::Error {
    let file = file.display();
    match error {
        KubeconfigError::ReadConfig(error, _) => anyhow!("kubeconfig {file}: {error}"),
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => anyhow!(
                "kubeconfig {file}:{}:{}: not a valid kubeconfig",
                at.line(),
                at.column()
            ),
            None => anyhow!("kubeconfig {file}: not a valid kubeconfig"),
        },
        error => anyhow!("kubeconfig {file}: {error}"),
    }
}

/// Returns the contexts of the default kubeconfig, for completion; none if it cannot be read.
pub fn context_names() -> Vec<String> {
    let merged = Kubeconfig::read().unwrap_or_default();
    let contexts = merged.contexts.into_iter();
    contexts.map(|context| context.name).collect()
}

/// Returns the contexts of a kubeconfig, for patterns that select some of them.
///
/// # Errors
/// Fails if the kubeconfig cannot be read.
pub fn contexts_of(kubeconfig: Option<&Path>) -> Result<Vec<String>> {
    let read = match kubeconfig {
        Some(path) => Kubeconfig::read_from(path)
            .with_context(|| format!("cannot read the kubeconfig {}", path.display()))?,
        None => Kubeconfig::read().context("cannot read the kubeconfig")?,
    };
    let contexts = read.contexts.into_iter();
    Ok(contexts.map(|context| context.name).collect())
}

fn select(merged: Kubeconfig, context: Option<&str>) -> Result<Credentials> {
    let names: Vec<_> = merged
        .contexts
        .iter()
        .map(|context| context.name.as_str())
        .collect();
    ensure!(
        !names.is_empty(),
        "it has no contexts: add one, or name another kubeconfig with --kubeconfig"
    );
    let known = names.join(", ");
    let name = context
        .or(merged.current_context.as_deref())
        .with_context(|| format!("it has no current context; choose one with --context: {known}"))?
        .to_owned();
    let nearest = nearest(&name, names.iter().copied()).map(str::to_owned);
    let context: Context = merged
        .contexts
        .into_iter()
        .find(|context| context.name == name)
        .and_then(|context| context.context)
        .with_context(|| {
            let meant = nearest.map(|name| format!("; did you mean {name}?"));
            format!(
                "no context \"{name}\" in it; contexts: {known}{}",
                meant.unwrap_or_default()
            )
        })?;
    let cluster: Cluster = merged
        .clusters
        .into_iter()
        .find(|cluster| cluster.name == context.cluster)
        .and_then(|cluster| cluster.cluster)
        .with_context(|| {
            format!(
                "context {name} names cluster {}, which is not in the kubeconfig",
                context.cluster
            )
        })?;
    let user = match context.user.as_deref().filter(|user| !user.is_empty()) {
        Some(user) => merged
            .auth_infos
            .into_iter()
            .find(|candidate| candidate.name == user)
            .and_then(|user| user.auth_info)
            .with_context(|| {
                format!(
                    "context {name} names user {user}, which is not in the \
                kubeconfig"
                )
            })?,
        None => AuthInfo::default(),
    };
    refuse_removed_provider(&user)?;
    let (mut user, exec) = with_plugin(join_base64_lines(user), &cluster)?;
    let token_file = user.token_file.take();
    Ok(Credentials {
        config: config(&context, &cluster, user)?,
        context: Some(name),
        proxy: cluster.proxy_url.filter(|proxy| !proxy.is_empty()),
        exec,
        token_file: token_file.map(PathBuf::from),
    })
}

/// Refuses the auth providers that kubectl removed in 1.26: the programs that they run print
/// credentials, and their errors show the output.
fn refuse_removed_provider(user: &AuthInfo) -> Result<()> {
    let Some(provider) = &user.auth_provider else {
        return Ok(());
    };
    ensure!(
        provider.name == "oidc",
        "its user has the auth-provider {}, which kubectl removed in 1.26: let your cluster's \
         tool write a new kubeconfig with an exec plugin",
        provider.name
    );
    Ok(())
}

/// Returns the credentials with their base64 on one line: tools wrap it, and Go's decoder accepts
/// that.
fn join_base64_lines(mut user: AuthInfo) -> AuthInfo {
    user.client_certificate_data = user.client_certificate_data.map(|data| in_one_line(&data));
    user.client_key_data = user.client_key_data.map(|data| {
        let data = in_one_line(data.expose_secret());
        SecretString::from(data)
    });
    user
}

fn in_one_line(base64: &str) -> String {
    let is_break = |c: char| matches!(c, '\n' | '\r' | ' ' | '\t');
    base64.chars().filter(|c| !is_break(*c)).collect()
}

/// Takes the plugin out of the user, so that [`super::exec`] can run it. Applies client-go's
/// precedence: a token file before a token, and either before a plugin.
fn with_plugin(mut user: AuthInfo, cluster: &Cluster) -> Result<(AuthInfo, Option<ExecConfig>)> {
    if user.token_file.is_some() {
        user.token = None;
    }
    let mut exec = user
        .exec
        .take()
        .filter(|_| user.token.is_none() && user.token_file.is_none());
    if let Some(exec) = &mut exec
        && exec.provide_cluster_info
    {
        let info = ExecAuthCluster::try_from(cluster);
        exec.cluster = Some(info.map_err(|error| anyhow!("{error}"))?);
    }
    Ok((user, exec))
}

fn config(context: &Context, cluster: &Cluster, user: AuthInfo) -> Result<Config> {
    let server = cluster
        .server
        .as_deref()
        .filter(|server| !server.is_empty());
    let server = server.with_context(|| format!("cluster {} names no server", context.cluster))?;
    let insecure = cluster.insecure_skip_tls_verify.unwrap_or(false);
    let roots = roots(cluster)?;
    // As in `rest.DefaultServerURL`, an address without a scheme is HTTPS if any setting implies
    // TLS.
    let server = if server.contains("://") {
        server.to_owned()
    } else if insecure || roots.is_some() {
        format!("https://{server}")
    } else {
        format!("http://{server}")
    };
    // The parse error is not shown: it may contain a password.
    let url = without_user_info(&server).parse().map_err(|_| {
        anyhow!(
            "the server of cluster {} is not a valid address",
            context.cluster
        )
    })?;

    let mut config = Config::new(url);
    config.default_namespace = context
        .namespace
        .clone()
        .filter(|namespace| !namespace.is_empty())
        .unwrap_or_else(|| "default".to_owned());
    config.root_cert = roots;
    config.accept_invalid_certs = insecure;
    config.tls_server_name = cluster
        .tls_server_name
        .clone()
        .filter(|name| !name.is_empty());
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.default_retry = false;
    config.auth_info = user;
    Ok(config)
}

/// Returns `https://host:6443/path` for `https://user:password@host:6443/path`, even if a slash in
/// the password is not escaped: no path of an API server contains an `@`.
pub(super) fn without_user_info(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    format!("{scheme}://{rest}")
}

fn roots(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>> {
    let what = "the cluster's certificate authority";
    let pem = match (
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    ) {
        (Some(data), _) if !data.is_empty() => STANDARD
            .decode(in_one_line(data))
            .map_err(|_| anyhow!("{what} (certificate-authority-data) is not valid base64"))?,
        (_, Some(file)) if !file.is_empty() => {
            fs::read(file).with_context(|| format!("{what}: {file}"))?
        }
        _ => return Ok(None),
    };
    let certificates = certificates(&pem).with_context(|| {
        format!(
            "{what} contains no \
        certificate"
        )
    });
    certificates.map(Some)
}

/// Returns the service account of a pod, if there is no kubeconfig at all.
fn in_cluster(choice: &KubeconfigInputs<'_>) -> Result<Credentials> {
    let help = "pass --kubeconfig FILE, set KUBECONFIG, or compare with a recording with --live \
        FILE";
    if let Some(context) = choice.context {
        bail!("no kubeconfig to find context {context} in; {help}");
    }
    let default = choice.home.map(|home| home.join(".kube").join("config"));
    let default = default.map_or_else(
        || "~/.kube/config".to_owned(),
        |path| path.display().to_string(),
    );
    if let Some(lacks) = choice.pod.lacks() {
        bail!("no kubeconfig: {default} does not exist, and {lacks}; {help}");
    }
    choice
        .pod
        .login()
        .map_err(|error| anyhow!("the pod's service account cannot be used: {error:#}; {help}"))
}
