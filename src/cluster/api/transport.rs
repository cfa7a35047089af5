//! Connects to the API server: TLS, credentials, proxy, HTTP/2.
//!
//! kube's own client speaks only HTTP/1.1, where each concurrent request needs its own connection
//! and TLS handshake. So the client under `kube::Client` is built here, with HTTP/2 if the server
//! supports it; credentials, TLS settings and impersonation are those of kube.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt as _};
use kube::config::AuthInfo;
use kube::{Client, Config};
use rustls_pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tower::ServiceBuilder;

use super::exec;
use super::failure::ApiFailure;
use super::kubeconfig::without_user_info;
use super::login::Credentials;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The flow-control windows of a stream and of a connection. With hyper's defaults, a page of a
/// list waits for round trips.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// A connection to the API server, which can be renewed while it is in use.
pub(super) struct Transport {
    login: Credentials,
    proxy: Option<Intercept>,
    exec_deadline: Duration,
    compressed: bool,
    current: Mutex<Generation>,
    /// Locked while credentials are renewed, so that requests that fail together renew only once.
    renewal: tokio::sync::Mutex<()>,
}

/// A client, and its generation.
#[derive(Clone)]
pub(super) struct Generation {
    pub client: Client,
    /// How many times credentials had been renewed before.
    credentials: u32,
    /// How many times connections had been closed before.
    connections: u32,
}

impl Transport {
    /// Prepares the connection, which may run a credential plugin for up to `exec_deadline`. Sends
    /// no request. Must be called within a tokio runtime.
    pub async fn new(mut login: Credentials, exec_deadline: Duration) -> Result<Self, ApiFailure> {
        let agent = concat!("driftctl/", env!("CARGO_PKG_VERSION"));
        let headers = &mut login.config.headers;
        headers.push((USER_AGENT, HeaderValue::from_static(agent)));
        let proxy = proxy_for(&login.config.cluster_url, login.proxy.as_deref())?;
        let config = with_credentials(&login, exec_deadline).await?;
        let current = Generation {
            client: client(&config, proxy.as_ref())?,
            credentials: 0,
            connections: 0,
        };
        login.config = config;
        Ok(Self {
            // If bandwidth is free, compression only costs server time.
            compressed: !login.config.disable_compression
                && !is_loopback(&login.config.cluster_url),
            login,
            proxy,
            exec_deadline,
            current: Mutex::new(current),
            renewal: tokio::sync::Mutex::default(),
        })
    }

    /// Returns whether responses should be compressed.
    pub fn compressed(&self) -> bool {
        self.compressed
    }

    /// Returns the client to send with.
    pub fn current(&self) -> Generation {
        self.lock().clone()
    }

    /// Closes the connections of a client, because the next request would use a hanging one again.
    pub fn reconnect(&self, given_up: &Generation) -> Result<(), ApiFailure> {
        let mut current = self.lock();
        if current.connections == given_up.connections
            && current.credentials == given_up.credentials
        {
            current.client = client(&self.login.config, self.proxy.as_ref())?;
            current.connections += 1;
        }
        Ok(())
    }

    /// Gets new credentials, once per run.
    ///
    /// # Errors
    /// Returns [`ApiFailure::Unauthorized`] if the refused credentials had been renewed already.
    pub async fn renew_credentials(&self, refused: &Generation) -> Result<(), ApiFailure> {
        let _renewing = self.renewal.lock().await;
        let credentials = self.lock().credentials;
        if credentials > refused.credentials {
            return Ok(()); // another request has renewed them already
        }
        if credentials > 0 {
            return Err(ApiFailure::Unauthorized);
        }
        let config = with_credentials(&self.login, self.exec_deadline).await?;
        let client = client(&config, self.proxy.as_ref())?;
        let mut current = self.lock();
        current.client = client;
        current.credentials += 1;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generation> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn with_credentials(login: &Credentials, deadline: Duration) -> Result<Config, ApiFailure> {
    let mut config = login.config.clone();
    if let Some(plugin) = &login.exec {
        config.auth_info = exec::credentials(plugin, deadline, config.auth_info).await?;
    }
    if let Some(file) = &login.token_file {
        config.auth_info.token = Some(token(file)?);
    }
    check_tokens(&config.auth_info)?;
    Ok(config)
}

/// Returns an error if a token cannot be sent in a header. The HTTP client would panic.
fn check_tokens(user: &AuthInfo) -> Result<(), ApiFailure> {
    let provider = user.auth_provider.iter().flat_map(|named| &named.config);
    let provided = provider.filter(|(name, _)| name.ends_with("-token"));
    let own = user.token.iter().map(ExposeSecret::expose_secret);
    let mut tokens = provided.map(|(_, token)| token.as_str()).chain(own);
    if tokens.all(|token| HeaderValue::try_from(token).is_ok()) {
        return Ok(());
    }
    Err(ApiFailure::Credentials(
        "the token contains invalid characters, such as a line break; log in again".to_owned(),
    ))
}

/// Returns the token in a file without the trailing line break that editors and `echo` add, as
/// client-go does. kube keeps the line break, which is not valid in a header.
fn token(file: &Path) -> Result<SecretString, ApiFailure> {
    let unusable = |what: &dyn std::fmt::Display| {
        ApiFailure::Credentials(format!("the token file {}: {what}", file.display()))
    };
    let text = fs::read_to_string(file).map_err(|error| unusable(&error))?;
    match text.trim() {
        "" => Err(unusable(&"it is empty")),
        token => Ok(token.to_owned().into()),
    }
}

fn client(config: &Config, proxy: Option<&Intercept>) -> Result<Client, ApiFailure> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let Some(proxy) = proxy else {
        return client_over(config, https(config, tcp)?);
    };
    let address = proxy.uri().clone();
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(address, tcp);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            client_over(config, https(config, socks)?)
        }
        Some("https") => {
            // The proxy's certificate is verified with the system's roots, not the cluster's.
            let to_proxy = https(&Config::new(address.clone()), tcp)?;
            client_over(config, https(config, tunnel(proxy, to_proxy))?)
        }
        _ => client_over(config, https(config, tunnel(proxy, tcp))?),
    }
}

fn tunnel<C>(proxy: &Intercept, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.uri().clone(), connector);
    match proxy.basic_auth() {
        Some(header) => tunnel.with_auth(header.clone()),
        None => tunnel,
    }
}

fn https<C>(config: &Config, connector: C) -> Result<HttpsConnector<C>, ApiFailure> {
    let tls = config.rustls_client_config().map_err(|e| unusable(&e))?;
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = ServerName::try_from(name.clone()).map_err(|e| unusable(&e))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_all_versions().wrap_connector(connector))
}

fn client_over<C>(config: &Config, connector: C) -> Result<Client, ApiFailure>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let http = hyper_util::client::legacy::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(|e| unusable(&e))?)
        .layer(config.extra_headers_layer().map_err(|e| unusable(&e))?)
        .map_err(tower::BoxError::from)
        .service(http);
    Ok(Client::new(service, &config.default_namespace))
}

/// Returns the error about settings that cannot be used. Neither TLS nor header errors contain the
/// input.
fn unusable(error: &dyn std::error::Error) -> ApiFailure {
    ApiFailure::Credentials(format!("the kubeconfig's settings cannot be used: {error}"))
}

/// Returns the proxy for a server: always the one that the kubeconfig names, if any; otherwise that
/// of the environment, except for servers in `NO_PROXY` and for this host (Go's `httpproxy`).
///
/// # Errors
/// Fails if the kubeconfig's proxy cannot be used. The message does not show it, because it may
/// contain a password.
fn proxy_for(server: &Uri, named: Option<&str>) -> Result<Option<Intercept>, ApiFailure> {
    let Some(named) = named else {
        return Ok(proxy_of_environment(server, |name| env::var(name).ok()));
    };
    let proxy = Matcher::builder()
        .all(named.to_owned())
        .build()
        .intercept(server);
    // Credentials must not be sent past a configured proxy.
    let unusable = || {
        ApiFailure::Credentials(
            "the kubeconfig's proxy-url cannot be used; write http://HOST:PORT, https://HOST:PORT or \
             socks5://HOST:PORT"
                .to_owned(),
        )
    };
    proxy.ok_or_else(unusable).map(Some)
}

fn proxy_of_environment(server: &Uri, value: impl Fn(&str) -> Option<String>) -> Option<Intercept> {
    if is_loopback(server) {
        return None;
    }
    let variable = |upper: &str, lower: &str| {
        let value = value(upper).or_else(|| value(lower));
        value.unwrap_or_default()
    };
    let exceptions = variable("NO_PROXY", "no_proxy");
    if is_excepted(server, &exceptions) {
        return None;
    }
    // The matcher takes the end of an address for a domain.
    let is_address = host_of(server).parse::<IpAddr>().is_ok();
    let of_addresses = |one: &&str| {
        let address = one.split('/').next().unwrap_or_default();
        let address = address.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok()
    };
    let exceptions = match is_address {
        true => {
            let all = exceptions.split(',').map(str::trim);
            all.filter(of_addresses).collect::<Vec<_>>().join(",")
        }
        false => exceptions,
    };
    Matcher::builder()
        .http(variable("HTTP_PROXY", "http_proxy"))
        .https(variable("HTTPS_PROXY", "https_proxy"))
        .no(exceptions)
        .build()
        .intercept(server)
}

/// Returns whether `NO_PROXY` names a server in a form that Go supports but the matcher does not:
/// `*`, `*.domain`, `host:port`, and these for IP addresses.
fn is_excepted(server: &Uri, exceptions: &str) -> bool {
    let host = host_of(server);
    let is_address = host.parse::<IpAddr>().is_ok();
    let port = server.port_u16().unwrap_or(match server.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    exceptions.split(',').map(str::trim).any(|exception| {
        let exception = exception.to_lowercase();
        if exception == "*" {
            return true;
        }
        let (name, at) = match exception.rsplit_once(':') {
            Some((name, at)) if !name.contains(':') || name.ends_with(']') => {
                match at.parse::<u16>() {
                    Ok(at) => (name.to_owned(), Some(at)),
                    Err(_) => return false,
                }
            }
            _ => (exception.clone(), None),
        };
        if at.is_some_and(|at| at != port) {
            return false;
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(domain) => {
                let rest = host.strip_suffix(domain);
                !is_address && rest.is_some_and(|rest| rest.ends_with('.'))
            }
            // The matcher handles a bare name without a port.
            None if at.is_none() || name.is_empty() => false,
            None => {
                let below = host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'));
                host == name || (below && !is_address && name.parse::<IpAddr>().is_err())
            }
        }
    })
}

/// Returns the host of a server in lower case, without the brackets of an IPv6 address.
fn host_of(server: &Uri) -> String {
    let host = server.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.to_lowercase()
}

fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Prefixes that intermediate layers add, which do not help to find the cause.
const WRAPPING: [&str; 2] = ["ServiceError", "client error ("];

/// Returns an error of the operating system without its number: `connection refused`.
fn without_os_number(text: &str) -> String {
    // As rustls words it, with a link to its manual.
    if text.contains("without sending TLS close_notify") {
        return "the server closed it before it responded".to_owned();
    }
    let text = text.replace("tcp connect error: ", "");
    let Some((words, rest)) = text.split_once(" (os error ") else {
        return text;
    };
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    let rest = rest.split_once(')').map_or("", |(_, rest)| rest);
    format!("{}{}{rest}", first.unwrap_or_default(), letters.as_str())
}

/// Returns why a connection failed, on one line.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let whole = error;
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let is_wrapping = WRAPPING.iter().any(|wrapping| text.starts_with(wrapping));
        if !is_wrapping && !causes.iter().any(|cause| cause.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    let mut text = match causes.is_empty() {
        true => whole.to_string(),
        false => causes.join(": "),
    };
    text = without_os_number(&text);
    // As rustls words it; its types are hidden behind those of the HTTP client.
    let is_early_or_late = text.contains("certificate expired")
        || text.contains("certificate not valid yet")
        || text.contains("Expired")
        || text.contains("NotValidYet");
    if is_early_or_late {
        text.push_str("; check this machine's clock");
    }
    // The authorities of most clusters have the same name, so only the signature distinguishes
    // them.
    if text.contains("UnknownIssuer") || text.contains("BadSignature") {
        text.push_str(
            "; the server's certificate is not signed by the certificate authority in the \
             kubeconfig (or the pod's ca.crt): another cluster or a proxy may be answering",
        );
    }
    match text.find("://") {
        Some(_) => text
            .split(' ')
            .map(without_user_info)
            .collect::<Vec<_>>()
            .join(" "),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn uses_the_proxy_of_the_kubeconfig_and_none_for_this_host() {
        let proxy = proxy_for(
            &uri("https://127.0.0.1:6443"),
            Some("http://u:p@proxy.example:3128"),
        );
        let proxy = proxy.unwrap().unwrap();
        assert_eq!(proxy.uri().host(), Some("proxy.example"));
        assert!(proxy.basic_auth().is_some());
        for server in [
            "https://localhost:6443",
            "https://127.0.0.1",
            "https://[::1]:6443",
        ] {
            assert!(is_loopback(&uri(server)), "{server}");
        }
        assert!(!is_loopback(&uri("https://127.0.0.1.example")));
    }

    #[test]
    fn an_unusable_proxy_is_an_error_and_is_not_bypassed() {
        for named in [
            "ftp://a",
            "http://",
            "://",
            "http://[::1",
            "http://a b",
            "file:///a",
        ] {
            let proxy = proxy_for(&uri("https://api.example"), Some(named));
            let said = proxy.map(drop).unwrap_err().to_string();
            assert!(said.contains("proxy-url cannot be used"), "{named}: {said}");
        }
    }

    #[test]
    fn uses_the_proxy_of_the_environment_except_for_no_proxy() {
        let proxied = |server: &str, variables: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let proxy = proxy_of_environment(&uri(server), value);
            proxy.and_then(|proxy| proxy.uri().host().map(str::to_owned))
        };
        let proxy = ("HTTPS_PROXY", "http://proxy.example:3128");
        let server = "https://api.shop.example:6443";
        assert_eq!(proxied(server, &[proxy]).as_deref(), Some("proxy.example"));
        let small = ("https_proxy", "http://small.example:3128");
        assert_eq!(proxied(server, &[small]).as_deref(), Some("small.example"));
        assert_eq!(
            proxied(server, &[("HTTP_PROXY", "http://other.example")]),
            None
        );
        for exceptions in [
            "api.shop.example",
            ".shop.example",
            "a.example,shop.example",
            "*",
            "*.shop.example",
            "other.example, *.shop.example",
            "api.shop.example:6443",
            "shop.example:6443",
        ] {
            let variables = [proxy, ("NO_PROXY", exceptions)];
            assert_eq!(proxied(server, &variables), None, "{exceptions}");
        }
        for exceptions in [
            "*.other.example",
            "api.shop.example:7443",
            "*.api.shop.example",
        ] {
            let variables = [proxy, ("NO_PROXY", exceptions)];
            assert!(proxied(server, &variables).is_some(), "{exceptions}");
        }
        for exceptions in ["*", "10.1.2.3:6443"] {
            let variables = [proxy, ("NO_PROXY", exceptions)];
            assert_eq!(
                proxied("https://10.1.2.3:6443", &variables),
                None,
                "{exceptions}"
            );
        }
        for exceptions in ["2.3", ".1.2.3", "*.2.3", "2.3:6443", "1.2.3"] {
            let variables = [proxy, ("NO_PROXY", exceptions)];
            let proxied = proxied("https://10.1.2.3:6443", &variables);
            assert!(proxied.is_some(), "{exceptions}");
        }
        let variables = [proxy, ("no_proxy", "10.0.0.0/8")];
        assert_eq!(proxied("https://10.1.2.3:6443", &variables), None);
        assert!(proxied("https://192.0.2.1:6443", &variables).is_some());
    }

    #[test]
    fn reports_that_a_connection_was_cut() {
        let error = std::io::Error::other(
            "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/x",
        );
        assert_eq!(cause(&error), "the server closed it before it responded");
    }

    #[test]
    fn causes_hold_no_password() {
        let error = std::io::Error::other("cannot reach https://me:secret@host:1/x now");
        assert_eq!(cause(&error), "cannot reach https://host:1/x now");
    }
}
