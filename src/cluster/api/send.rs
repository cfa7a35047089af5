//! Sends requests, with limits and deadlines, and with retries where they may help.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use flate2::write::MultiGzDecoder;
use http::Response;
use http::header::{CONTENT_ENCODING, HeaderMap, RETRY_AFTER};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::sync::{Semaphore, watch};

use super::failure::ApiFailure;
use super::receive::{Capped, ParsedBody, Receive, WholeBody};
use super::request::ApiRequest;
use super::status;
use super::transport::{Generation, Transport, cause};
use super::write::WriteRequest;

/// The limits on tries, by error. A restarting server needs some seconds; a malformed body or a
/// hanging response is rarely temporary.
const TRIES: u32 = 6;
const TRIES_AFTER_MALFORMED: u32 = 3;
const TRIES_AFTER_HANG: u32 = 2;

const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The limit on the pause between two tries, whatever `Retry-After` says.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How much of an error response is read to find its reason.
const MAX_STATUS: u64 = 256 << 10;

/// An error text of rustls, whose types are hidden behind those of the HTTP client.
const INVALID_CERTIFICATE: &str = "invalid peer certificate";

/// The limits of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestLimits {
    /// The time for one request, from sending it to the last byte of its response.
    pub request: Duration,
    /// The time for the whole run.
    pub run: Duration,
    /// The limit on concurrent requests.
    pub concurrency: usize,
}

/// Sends the requests of one run.
pub(super) struct Sender {
    transport: Transport,
    limits: RequestLimits,
    deadline: Mutex<Instant>,
    permits: Semaphore,
    interrupted: watch::Receiver<bool>,
    /// Whether requests are sent after a signal to stop.
    outlasts_signals: AtomicBool,
    /// The error that ended the run, which every further request returns.
    ended: Mutex<Option<ApiFailure>>,
}

/// A failed try.
struct FailedAttempt {
    failure: ApiFailure,
    retry_after: Option<Duration>,
}

impl From<ApiFailure> for FailedAttempt {
    fn from(failure: ApiFailure) -> Self {
        Self {
            failure,
            retry_after: None,
        }
    }
}

impl Sender {
    pub fn new(
        transport: Transport,
        limits: RequestLimits,
        deadline: Instant,
        interrupted: watch::Receiver<bool>,
    ) -> Self {
        Self {
            transport,
            limits,
            deadline: Mutex::new(deadline),
            permits: Semaphore::new(limits.concurrency.max(1)),
            interrupted,
            outlasts_signals: AtomicBool::new(false),
            ended: Mutex::new(None),
        }
    }

    /// Sends a request and parses its response.
    pub async fn checked<T>(
        &self,
        request: &ApiRequest,
        parse: impl Fn(Vec<u8>) -> Result<T, ApiFailure>,
    ) -> Result<T, ApiFailure> {
        self.send(request, || ParsedBody::new(&parse)).await
    }

    /// Sends a request, with retries. Each try has a new receiver, so no part of a broken body is
    /// kept.
    pub async fn send<R: Receive>(
        &self,
        request: &ApiRequest,
        receiver: impl Fn() -> R,
    ) -> Result<R::Out, ApiFailure> {
        let mut interrupted = self.interrupted.clone();
        let stop = async {
            // An error means that no signal can arrive any more.
            if self.outlasts_signals.load(Ordering::SeqCst)
                || interrupted.wait_for(|yes| *yes).await.is_err()
            {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            biased;
            () = stop => Err(ApiFailure::Interrupted),
            () = tokio::time::sleep_until(self.deadline().into()) => {
                Err(ApiFailure::OutOfTime(self.limits.run))
            }
            result = self.try_often(request, &receiver) => result,
        };
        if let Err(failure) = &result
            && failure.ends_run()
        {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.get_or_insert_with(|| failure.clone());
        }
        result
    }

    /// Sends a write once; without a response, the caller has to find out what happened. Returns
    /// the status code and the body.
    ///
    /// Neither a signal nor the end of the run's time interrupts it, because the server may already
    /// have carried it out.
    pub async fn once(&self, writing: &WriteRequest) -> Result<(u16, Vec<u8>), ApiFailure> {
        let mut renewed = false;
        loop {
            let generation = self.transport.current();
            let exchange = async {
                let response = generation
                    .client
                    .send(writing.to_http()?)
                    .await
                    .map_err(|error| broken(&error))?;
                let code = response.status().as_u16();
                let body = receive(response, WholeBody::default()).await;
                match body {
                    Err(failure) if (200..300).contains(&code) => Err(failure),
                    // If the response cannot be read, only the error is less precise.
                    body => Ok((code, body.unwrap_or_default())),
                }
            };
            let answer = tokio::time::timeout(self.limits.request, exchange).await;
            let answer = answer.unwrap_or(Err(ApiFailure::TimedOut(self.limits.request)));
            match answer {
                // A request that was rejected changed nothing.
                Ok((401, _)) if !renewed => {
                    self.transport.renew_credentials(&generation).await?;
                    renewed = true;
                }
                Ok((401, _)) => return Err(ApiFailure::Unauthorized),
                Err(failure @ ApiFailure::TimedOut(_)) => {
                    self.transport.reconnect(&generation)?;
                    return Err(failure);
                }
                answer => return answer,
            }
        }
    }

    /// Sends all further requests even after a signal to stop.
    pub fn outlast_signals(&self) {
        self.outlasts_signals.store(true, Ordering::SeqCst);
    }

    /// Returns whether the process received a signal to stop.
    pub fn is_interrupted(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// Restarts the run's timeout.
    pub fn begin_anew(&self) {
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *deadline = Instant::now() + self.limits.run;
    }

    fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the error that ended the run, if any.
    pub fn ended(&self) -> Option<ApiFailure> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    async fn try_often<R: Receive>(
        &self,
        request: &ApiRequest,
        receiver: &impl Fn() -> R,
    ) -> Result<R::Out, ApiFailure> {
        let mut tries = 0;
        loop {
            let generation = self.transport.current();
            let FailedAttempt {
                failure,
                retry_after,
            } = match self.try_once(&generation, request, receiver()).await {
                Ok(out) => return Ok(out),
                Err(tried) => tried,
            };
            tries += 1;
            match &failure {
                ApiFailure::Unauthorized => {
                    self.transport.renew_credentials(&generation).await?;
                    continue;
                }
                ApiFailure::TimedOut(_) => self.transport.reconnect(&generation)?,
                _ => {}
            }
            if !failure.is_transient() || tries >= allowed(&failure) {
                return Err(failure);
            }
            let pause = retry_after
                .unwrap_or_else(|| pause_after(tries))
                .min(LONGEST_PAUSE);
            if Instant::now() + pause >= self.deadline() {
                return Err(failure); // says more than that time is up
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_once<R: Receive>(
        &self,
        generation: &Generation,
        request: &ApiRequest,
        receiver: R,
    ) -> Result<R::Out, FailedAttempt> {
        let _permit = self.permits.acquire().await;
        if let Some(ended) = self.ended() {
            return Err(ended.into());
        }
        let exchange = self.exchange(generation, request, receiver);
        tokio::time::timeout(self.limits.request, exchange)
            .await
            .unwrap_or_else(|_| Err(ApiFailure::TimedOut(self.limits.request).into()))
    }

    async fn exchange<R: Receive>(
        &self,
        generation: &Generation,
        request: &ApiRequest,
        receiver: R,
    ) -> Result<R::Out, FailedAttempt> {
        let sent = request.to_http(self.transport.compressed())?;
        let response = generation
            .client
            .send(sent)
            .await
            .map_err(|error| broken(&error))?;
        let code = response.status().as_u16();
        if response.status().is_success() {
            return Ok(receive(response, receiver).await?);
        }
        let retry_after = retry_after(response.headers());
        // If the body cannot be read, only the error is less precise.
        let body = receive(response, WholeBody::up_to(MAX_STATUS)).await;
        Err(FailedAttempt {
            failure: status::failure(request, code, &body.unwrap_or_default()),
            retry_after,
        })
    }
}

/// Feeds a body to a receiver as it arrives.
async fn receive<R: Receive>(response: Response<Body>, receiver: R) -> Result<R::Out, ApiFailure> {
    let packed = match response
        .headers()
        .get(CONTENT_ENCODING)
        .map(|v| v.as_bytes())
    {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => {
            return Err(ApiFailure::malformed(
                "body",
                "its encoding is not one that was requested",
            ));
        }
    };
    let mut body = response.into_body();
    let mut plain = Capped::new(receiver);
    if !packed {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
                plain.feed(&data)?;
            }
        }
        return plain.finish();
    }
    let mut unpacked = MultiGzDecoder::new(plain);
    let broken_gzip = |unpacked: &mut MultiGzDecoder<Capped<R>>| {
        // The receiver's own error, if any, arrives as an I/O error here.
        let complaint = unpacked.get_mut().take_error();
        complaint.unwrap_or_else(|| {
            ApiFailure::malformed("body", "it is not valid gzip, or is cut short")
        })
    };
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data()
            && unpacked.write_all(&data).is_err()
        {
            return Err(broken_gzip(&mut unpacked));
        }
    }
    if unpacked.try_finish().is_err() {
        return Err(broken_gzip(&mut unpacked));
    }
    match unpacked.finish() {
        Ok(plain) => plain.finish(),
        Err(_) => Err(ApiFailure::malformed(
            "body",
            "it is not valid gzip, or is cut short",
        )),
    }
}

fn broken(error: &kube::Error) -> ApiFailure {
    let cause = cause(error);
    if cause.contains(INVALID_CERTIFICATE) {
        return ApiFailure::Untrusted(cause);
    }
    ApiFailure::Connection(cause)
}

fn allowed(failure: &ApiFailure) -> u32 {
    match failure {
        ApiFailure::Malformed { .. } => TRIES_AFTER_MALFORMED,
        ApiFailure::TimedOut(_) => TRIES_AFTER_HANG,
        _ => TRIES,
    }
}

/// Returns a pause that doubles with each try, plus or minus a quarter, so that requests that
/// failed together are not retried together.
fn pause_after(tries: u32) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.saturating_pow(tries - 1);
    let chance = RandomState::new().hash_one(tries) % 512;
    pause * (768 + u32::try_from(chance).unwrap_or(256)) / 1024
}

/// Parses `Retry-After` in seconds. The API server does not send dates, which would depend on its
/// clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_retry_after_is_in_seconds() {
        for tries in 1..6 {
            let base = FIRST_PAUSE * 2_u32.pow(tries - 1);
            let pause = pause_after(tries);
            assert!(pause >= base * 3 / 4 && pause <= base * 5 / 4, "{pause:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "86400".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(86_400)));
        headers.insert(
            RETRY_AFTER,
            "Fri, 31 Dec 1999 23:59:59 GMT".parse().unwrap(),
        );
        assert_eq!(retry_after(&headers), None);
    }
}
