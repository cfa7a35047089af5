//! Runs credential plugins (`users[].user.exec`), by the protocol of
//! `client.authentication.k8s.io/v1`.
//!
//! A plugin prints credentials, so its output is never shown: errors contain only its name and exit
//! code (CVE-2019-11250). Plugins are not run by kube, which runs them twice per client and without
//! a deadline, and puts their output into errors.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::failure::ApiFailure;

/// The limit on a plugin's output. Certificates and tokens are a few KiB.
const MAX_OUTPUT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<SecretString>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretString>,
}

/// Runs a plugin and puts its credentials into the user.
pub(super) async fn credentials(
    plugin: &ExecConfig,
    deadline: Duration,
    mut user: AuthInfo,
) -> Result<AuthInfo, ApiFailure> {
    let name = name(plugin)?;
    let failed =
        |what: &str| ApiFailure::Credentials(format!("the credential plugin {name} {what}"));
    let output = tokio::time::timeout(deadline, run(plugin, &name))
        .await
        .map_err(|_| failed(&format!("did not end within {}s", deadline.as_secs())))??;
    // Plugins print JSON or YAML; JSON is YAML. The parser's error would quote the output.
    let credential: ExecCredential = serde_saphyr::from_slice(&output)
        .map_err(|_| failed("printed something that is not an ExecCredential"))?;
    if credential.kind != "ExecCredential" {
        return Err(failed("printed something that is not an ExecCredential"));
    }
    // As in kubectl, because fields may have another meaning in another version.
    if let Some(version) = &plugin.api_version
        && credential.api_version != *version
    {
        return Err(failed(&format!(
            "returned another apiVersion than {version}, which the kubeconfig requests"
        )));
    }
    let status = credential
        .status
        .ok_or_else(|| failed("returned no credentials"))?;
    match status {
        ExecStatus {
            client_certificate_data: Some(certificate),
            client_key_data: Some(key),
            token,
        } => {
            use base64::Engine as _;
            use base64::engine::general_purpose::STANDARD;
            use secrecy::ExposeSecret as _;
            user.client_certificate_data = Some(STANDARD.encode(certificate));
            user.client_key_data = Some(STANDARD.encode(key.expose_secret()).into());
            user.token = token;
        }
        ExecStatus {
            token: Some(token), ..
        } => user.token = Some(token),
        _ => {
            return Err(failed(
                "returned neither a token nor a certificate with its key",
            ));
        }
    }
    Ok(user)
}

/// Returns the plugin's name, without its directory.
fn name(plugin: &ExecConfig) -> Result<String, ApiFailure> {
    let command = plugin
        .command
        .as_deref()
        .filter(|command| !command.is_empty());
    let command = command.ok_or_else(|| {
        ApiFailure::Credentials("the kubeconfig's exec entry names no command".to_owned())
    })?;
    let name = Path::new(command)
        .file_name()
        .unwrap_or(OsStr::new(command));
    Ok(name.to_string_lossy().into_owned())
}

async fn run(plugin: &ExecConfig, name: &str) -> Result<Vec<u8>, ApiFailure> {
    let failed =
        |what: String| ApiFailure::Credentials(format!("the credential plugin {name} {what}"));
    let mode = plugin.interactive_mode.as_ref();
    let interactive = mode != Some(&ExecInteractiveMode::Never) && std::io::stdin().is_terminal();
    if mode == Some(&ExecInteractiveMode::Always) && !interactive {
        return Err(failed(
            "needs input, but standard input is not a terminal".to_owned(),
        ));
    }
    let mut command = command(plugin, interactive);
    let mut child = command.spawn().map_err(|error| {
        let hint = plugin
            .install_hint
            .as_deref()
            .unwrap_or("is it installed and on the PATH?");
        failed(format!("cannot be started ({}); {hint}", error.kind()))
    })?;
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(MAX_OUTPUT).read_to_end(&mut output).await;
        read.map_err(|error| failed(format!("cannot be read ({})", error.kind())))?;
    }
    let status = child.wait().await;
    let status =
        status.map_err(|error| failed(format!("cannot be waited for ({})", error.kind())))?;
    if status.success() {
        return Ok(output);
    }
    Err(match status.code() {
        Some(code) => failed(format!(
            "failed with exit code {code}; run it by hand to see why (its output holds \
             credentials and is not shown)"
        )),
        None => failed("was killed by a signal".to_owned()),
    })
}

fn command(plugin: &ExecConfig, interactive: bool) -> Command {
    let info = json!({
        "apiVersion": plugin.api_version,
        "kind": "ExecCredential",
        "spec": {"interactive": interactive, "cluster": plugin.cluster},
    });
    let mut command = Command::new(plugin.command.as_deref().unwrap_or_default());
    command.args(plugin.args.iter().flatten());
    for variable in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    for name in plugin.drop_env.iter().flatten() {
        command.env_remove(name);
    }
    // A user at a terminal may need to see a login code, which must not appear in a log.
    let visible = interactive && std::io::stderr().is_terminal();
    command
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(if interactive {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(if visible {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .kill_on_drop(true);
    command
}
