//! Serves a few pages over HTTP, which are updated after each round.
//!
//! Clients may be malicious: requests are small, few at a time, and limited in time.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

/// How many connections are served at a time; others wait.
const AT_ONCE: usize = 32;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// The size limit of a request head, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;

/// The pages.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// `/metrics`
    pub metrics: Bytes,
    /// `/report.json`, once there is one.
    pub report: Option<Bytes>,
    /// Until when `/healthz` returns 200.
    pub healthy_until: Option<Instant>,
    /// Until when `/livez` returns 200.
    pub alive_until: Option<Instant>,
}

/// A running server. It ends with the process.
#[derive(Debug)]
pub struct WatchServer {
    pages: Arc<Mutex<Pages>>,
    /// The address that it listens on.
    pub address: SocketAddr,
}

impl WatchServer {
    /// Listens.
    ///
    /// # Errors
    /// Fails if the address cannot be listened on.
    pub fn start(address: SocketAddr, pages: Pages) -> Result<Self> {
        let listening = || format!("cannot listen on {address} (--listen)");
        let listener = TcpListener::bind(address).with_context(listening)?;
        listener.set_nonblocking(true).with_context(listening)?;
        let address = listener.local_addr().with_context(listening)?;
        let pages = Arc::new(Mutex::new(pages));
        let shared = Arc::clone(&pages);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .with_context(listening)?;
        std::thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || runtime.block_on(serve(listener, shared)))
            .with_context(listening)?;
        Ok(Self { pages, address })
    }

    /// Replaces the pages.
    pub fn publish(&self, pages: Pages) {
        *lock(&self.pages) = pages;
    }
}

fn lock(pages: &Mutex<Pages>) -> MutexGuard<'_, Pages> {
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, pages: Arc<Mutex<Pages>>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Probably too many open files; they will close.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let answer = answer(request.method(), request.uri().path(), &lock(&pages));
                async { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(LARGEST_HEAD)
                .serve_connection(TokioIo::new(stream), answer);
            // If a connection fails, its client can try again.
            let _ = tokio::time::timeout(PATIENCE, connection).await;
            drop(place);
        });
    }
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

fn answer(method: &Method, path: &str, pages: &Pages) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let refused = page(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "only GET is supported\n",
        );
        let (mut head, body) = refused.into_parts();
        head.headers
            .insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return Response::from_parts(head, body);
    }
    let is_well = |until: Option<Instant>| until.is_some_and(|until| Instant::now() <= until);
    match path {
        "/metrics" => page(StatusCode::OK, METRICS, pages.metrics.clone()),
        "/healthz" => match is_well(pages.healthy_until) {
            true => page(StatusCode::OK, TEXT, "ok\n"),
            false => page(
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                "no recent round compared everything\n",
            ),
        },
        "/livez" => match is_well(pages.alive_until) {
            true => page(StatusCode::OK, TEXT, "ok\n"),
            false => page(
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                "no round finished recently\n",
            ),
        },
        "/report.json" => match &pages.report {
            Some(report) => page(StatusCode::OK, JSON, report.clone()),
            None => page(
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                "nothing has been compared yet\n",
            ),
        },
        _ => page(
            StatusCode::NOT_FOUND,
            TEXT,
            "not found; paths: /metrics, /healthz, /livez, /report.json\n",
        ),
    }
}

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn ask(service: &WatchServer, request: &str) -> String {
        let mut stream = TcpStream::connect(service.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(service: &WatchServer, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        ask(service, &request)
    }

    #[test]
    fn serves_pages_until_health_expires() {
        let address = "127.0.0.1:0".parse().unwrap();
        let service = WatchServer::start(address, Pages::default()).unwrap();
        assert!(get(&service, "/healthz").starts_with("HTTP/1.1 503"));
        assert!(get(&service, "/report.json").starts_with("HTTP/1.1 503"));
        let later = Instant::now() + Duration::from_secs(60);
        service.publish(Pages {
            metrics: "a 1\n".into(),
            report: Some("{}".into()),
            healthy_until: Some(later),
            alive_until: Some(later),
        });
        assert!(get(&service, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(get(&service, "/livez").starts_with("HTTP/1.1 200"));
        assert!(get(&service, "/metrics").ends_with("\r\n\r\na 1\n"));
        assert!(get(&service, "/report.json").ends_with("\r\n\r\n{}"));
        assert!(get(&service, "/x").starts_with("HTTP/1.1 404"));
        let long = format!("/{}", "x".repeat(2 * LARGEST_HEAD));
        assert!(!get(&service, &long).starts_with("HTTP/1.1 200"));
        let post = "POST /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert!(ask(&service, post).starts_with("HTTP/1.1 405"));
        service.publish(Pages::default());
        assert!(get(&service, "/livez").starts_with("HTTP/1.1 503"));
    }
}
