//! Faults between a cluster and its client.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use serde_json::{Value, json};

use super::State;
use super::body::Body;
use super::rest;

/// Text in the bodies of errors, which no report may contain.
pub const CANARY: &str = "canary-in-an-error";

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// This status code.
    Code(u16),
    /// The same for the first request; later ones succeed.
    Once(u16),
    /// This status code, before anything is done.
    Before(u16),
    /// The same for the first request; later ones succeed.
    OnceBefore(u16),
    /// This status code to the first DELETE, before anything is done.
    OnceDelete(u16),
    /// The first connection is closed without a response, after the request was carried out.
    OnceReset,
    /// The body of the first response breaks off halfway, after the request was carried out.
    OnceCut,
    /// This status code with a `Retry-After`.
    RetryAfter(u16, &'static str),
    /// This status code, with an error and a warning that quote a text.
    Quoting(u16, &'static str),
    /// This status code, and this message.
    Saying(u16, &'static str),
    /// The right response, with a warning that quotes a text.
    Warning(&'static str),
    /// 200 and a web page.
    Html,
    /// A proxy's page with this status code.
    Page(u16),
    /// A redirect to a login page.
    Redirect,
    /// 200 and no body.
    Empty,
    /// 200 and `{}`.
    EmptyObject,
    /// 200 and `null`.
    Null,
    /// 200 and an error object.
    StatusAs200,
    /// 200 and a JSON object of another kind.
    WrongKind,
    /// The right body, with the content type of a web page.
    WrongType,
    /// 200 and random bytes.
    Garbage,
    /// A body that ends halfway, as if complete.
    Truncated,
    /// A body that breaks off halfway.
    CutMidway,
    /// The connection is closed without a response.
    Reset,
    /// No response.
    Hang,
    /// Half a body, and then nothing.
    HangMidway,
    /// One byte from time to time.
    Drip,
    /// A delayed response, in milliseconds.
    Delay(u64),
    /// The right body, compressed without being requested.
    Gzip,
    /// Compressed, and corrupt.
    BrokenGzip,
    /// A few KiB that decompress to gigabytes.
    GzipBomb,
    /// An encoding that was not requested.
    UnknownEncoding,
    /// A body that never ends.
    Endless,
    /// The same continue token on every page.
    SamePage,
    /// Two pages whose tokens lead to each other.
    PagesInACircle,
    /// Pages of different resource versions.
    MixedPages,
    /// More objects remain, but there is no token for them.
    LostPages,
    /// The list contains its items twice.
    RepeatedItems,
    /// An item of another namespace.
    StrayItem,
    /// An item without a name.
    NamelessItem,
    /// A list without its first item, which a GET returns: it was replaced while the list was read.
    ItemReplaced,
}

/// Where faults happen.
#[derive(Debug, Clone)]
pub enum Faults {
    /// Nowhere.
    None,
    /// For requests whose path and query contain a text.
    At(Vec<(&'static str, Fault)>),
    /// At random: for each request with this probability in percent, with this seed.
    Seeded { seed: u64, percent: u64 },
}

/// The faults that happen at random.
const BY_CHANCE: &[Fault] = &[
    Fault::Code(400),
    Fault::Code(401),
    Fault::Code(403),
    Fault::Code(404),
    Fault::Code(409),
    Fault::Code(410),
    Fault::Code(422),
    Fault::Code(429),
    Fault::Code(500),
    Fault::Code(503),
    Fault::RetryAfter(429, "86400"),
    Fault::Html,
    Fault::Page(502),
    Fault::Redirect,
    Fault::Empty,
    Fault::EmptyObject,
    Fault::Null,
    Fault::StatusAs200,
    Fault::WrongKind,
    Fault::WrongType,
    Fault::Garbage,
    Fault::Truncated,
    Fault::CutMidway,
    Fault::Reset,
    Fault::Hang,
    Fault::HangMidway,
    Fault::Drip,
    Fault::Delay(20),
    Fault::Gzip,
    Fault::BrokenGzip,
    Fault::UnknownEncoding,
    Fault::SamePage,
    Fault::PagesInACircle,
    Fault::MixedPages,
    Fault::LostPages,
    Fault::RepeatedItems,
    Fault::StrayItem,
    Fault::NamelessItem,
];

impl Faults {
    /// Returns whether all requests for a resource are answered by 403, so that access reviews
    /// agree.
    pub(super) fn forbid(&self, resource: &str) -> bool {
        let is_forbidden = |(part, fault): &(&str, Fault)| {
            *fault == Fault::Code(403) && part.strip_prefix('/') == Some(resource)
        };
        matches!(self, Self::At(faults) if faults.iter().any(is_forbidden))
    }

    /// Returns the fault for a request that was sent `earlier` times before. It does not depend on
    /// the order of other requests.
    fn of(&self, method: &str, target: &str, earlier: usize) -> Option<Fault> {
        match self {
            Self::None => None,
            Self::At(faults) => faults
                .iter()
                .find(|(part, fault)| {
                    let is_once = matches!(
                        fault,
                        Fault::Once(_)
                            | Fault::OnceBefore(_)
                            | Fault::OnceDelete(_)
                            | Fault::OnceReset
                            | Fault::OnceCut
                    );
                    let is_other = matches!(fault, Fault::OnceDelete(_)) && method != "DELETE";
                    target.contains(part) && !is_other && !(is_once && earlier > 0)
                })
                .map(|(_, fault)| *fault),
            Self::Seeded { seed, percent } => {
                let mut hasher = DefaultHasher::new();
                (seed, target, earlier).hash(&mut hasher);
                let chance = hasher.finish();
                let pick = (chance >> 8) as usize % BY_CHANCE.len();
                (chance % 100 < *percent).then(|| BY_CHANCE[pick])
            }
        }
    }
}

type Answer = Result<Response<Body>, io::Error>;

/// Answers a request, with its fault if there is one.
pub(super) async fn answer(state: Arc<State>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let target = format!("{path}?{}", parts.uri.query().unwrap_or_default());
    let earlier = {
        let mut seen = state.seen();
        let request = (parts.method.to_string(), target.clone());
        let earlier = seen.iter().filter(|known| **known == request).count();
        seen.push(request);
        earlier
    };
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let fault = state
        .cluster()
        .faults
        .of(parts.method.as_str(), &target, earlier);
    let fault = match fault {
        // For these faults, nothing is done before the response.
        Some(Fault::Before(code)) => return Ok(with(refusal(code), "retry-after", "0")),
        Some(Fault::OnceBefore(code) | Fault::OnceDelete(code)) => {
            return Ok(with(refusal(code), "retry-after", "0"));
        }
        fault => fault,
    };
    let (code, answer) = if parts.method == http::Method::GET {
        rest::answer(&state.cluster(), &parts, &body)
    } else {
        rest::answer_to_write(&mut state.cluster_mut(), &parts, &body)
    };
    match fault {
        Some(fault) => spoil(fault, &target, code, answer).await,
        None => Ok(plain(code, answer)),
    }
}

fn plain(code: u16, body: Vec<u8>) -> Response<Body> {
    response(code, "application/json", Body::whole(body))
}

fn response(code: u16, content_type: &str, body: Body) -> Response<Body> {
    Response::builder()
        .status(code)
        .header("content-type", content_type)
        .body(body)
        .unwrap()
}

fn with(mut response: Response<Body>, name: &'static str, value: &'static str) -> Response<Body> {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

fn json(code: u16, body: &Value) -> Response<Body> {
    plain(code, body.to_string().into_bytes())
}

async fn spoil(fault: Fault, target: &str, code: u16, mut body: Vec<u8>) -> Answer {
    let half = body.len() / 2;
    Ok(match fault {
        Fault::Code(code) | Fault::Once(code) => with(refusal(code), "retry-after", "0"),
        Fault::RetryAfter(code, after) => with(refusal(code), "retry-after", after),
        Fault::Quoting(code, text) => {
            let answer = warning(plain(code, quoting(code, text)), text);
            with(answer, "retry-after", "0")
        }
        Fault::Saying(code, text) => json(
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid",
                "message": text, "code": code}),
        ),
        Fault::Warning(text) => warning(plain(code, body), text),
        Fault::Html => page(200),
        Fault::Page(code) => page(code),
        Fault::Redirect => with(plain(302, Vec::new()), "location", "/login?next=canary"),
        Fault::Empty => plain(200, Vec::new()),
        Fault::EmptyObject => plain(200, b"{}".to_vec()),
        Fault::Null => plain(200, b"null".to_vec()),
        Fault::StatusAs200 => plain(200, rest::failure(500, "InternalError", json!({})).1),
        Fault::WrongKind => json(
            200,
            &json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"name": CANARY},
                "items": [], "resources": [], "groups": [], "versions": []}),
        ),
        Fault::WrongType => response(code, "text/html", Body::whole(body)),
        Fault::Garbage => plain(
            200,
            (0..4096_u32).map(|n| ((n * 7919) >> 3) as u8).collect(),
        ),
        Fault::Truncated => {
            body.truncate(half);
            plain(code, body)
        }
        Fault::CutMidway => pieces(code, body, half, |sender| async move {
            let _ = sender.send(Err(io::Error::other("cut"))).await;
        }),
        Fault::OnceCut => pieces(code, body, half, |sender| async move {
            let _ = sender.send(Err(io::Error::other("cut"))).await;
        }),
        Fault::OnceReset => return Err(io::Error::other("reset")),
        Fault::Reset => return Err(io::Error::other("reset")),
        Fault::Hang => std::future::pending().await,
        Fault::HangMidway => pieces(code, body, half, |sender| async move {
            sender.closed().await;
        }),
        Fault::Drip => drip(code, body),
        Fault::Delay(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            plain(code, body)
        }
        Fault::Gzip => with(plain(code, packed(&body)), "content-encoding", "gzip"),
        Fault::BrokenGzip => {
            let mut broken = packed(&body);
            broken.truncate(broken.len() / 2);
            with(plain(code, broken), "content-encoding", "gzip")
        }
        Fault::GzipBomb => with(plain(200, bomb()), "content-encoding", "gzip"),
        Fault::UnknownEncoding => with(plain(code, body), "content-encoding", "br"),
        Fault::Endless => endless(),
        list_fault => plain(code, spoil_list(list_fault, target, body)),
    })
}

fn refusal(code: u16) -> Response<Body> {
    let (code, body) = rest::failure(code, "Whatever", json!({"name": CANARY, "kind": "x"}));
    plain(code, body)
}

/// Returns what an admission webhook may say, and the server passes on: the rejected value.
fn quoting(code: u16, text: &str) -> Vec<u8> {
    let message = format!("admission webhook \"w\" denied the request: invalid value \"{text}\"");
    let cause = json!({"reason": text, "message": message, "field": text});
    let details = json!({"name": text, "kind": text, "causes": [cause]});
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code,
        "status": "Failure", "message": message, "reason": text, "details": details});
    status.to_string().into_bytes()
}

fn warning(mut response: Response<Body>, text: &str) -> Response<Body> {
    let value = format!("299 - \"{text}\"").parse().unwrap();
    response.headers_mut().insert("warning", value);
    response
}

fn page(code: u16) -> Response<Body> {
    let page = format!("<html><title>{CANARY}</title>log in</html>");
    response(code, "text/html", Body::whole(page))
}

/// Returns the beginning of a body, followed by what `end` sends.
fn pieces<F>(
    code: u16,
    body: Vec<u8>,
    until: usize,
    end: impl FnOnce(tokio::sync::mpsc::Sender<io::Result<Bytes>>) -> F + Send + 'static,
) -> Response<Body>
where
    F: Future<Output = ()> + Send,
{
    let body = Body::written(move |sender| async move {
        let beginning = Bytes::from(body).slice(..until);
        if sender.send(Ok(beginning)).await.is_ok() {
            end(sender).await;
        }
    });
    response(code, "application/json", body)
}

fn drip(code: u16, body: Vec<u8>) -> Response<Body> {
    let body = Body::written(move |sender| async move {
        for byte in body {
            if sender.send(Ok(Bytes::from(vec![byte]))).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    response(code, "application/json", body)
}

/// Returns a list that continues as long as it is read.
fn endless() -> Response<Body> {
    let body = Body::written(|sender| async move {
        let mut piece = Bytes::from_static(b"{\"items\":[");
        let spaces = Bytes::from(vec![b' '; 1 << 16]);
        while sender.send(Ok(piece)).await.is_ok() {
            piece = spaces.clone();
        }
    });
    response(200, "application/json", body)
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Returns four gigabytes of spaces: one compressed member of 16 MiB, repeated.
fn bomb() -> Vec<u8> {
    static MEMBER: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| packed(&vec![b' '; 16 << 20]));
    MEMBER.repeat(256)
}

/// Breaks a list; leaves other bodies unchanged.
fn spoil_list(fault: Fault, target: &str, body: Vec<u8>) -> Vec<u8> {
    let Ok(mut list) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    if !list["items"].is_array() || list["metadata"]["resourceVersion"].is_null() {
        return body;
    }
    let next = list["metadata"]["continue"].clone();
    match fault {
        Fault::SamePage => list["metadata"]["continue"] = rest::AGAIN[0].into(),
        Fault::PagesInACircle => {
            let odd = target.contains(rest::AGAIN[0]);
            list["metadata"]["continue"] = rest::AGAIN[usize::from(odd)].into();
        }
        Fault::MixedPages if !next.is_null() => {
            list["metadata"]["resourceVersion"] = "252".into();
        }
        Fault::LostPages => {
            let metadata = list["metadata"].as_object_mut().unwrap();
            metadata.remove("continue");
            metadata.insert("remainingItemCount".to_owned(), 3.into());
        }
        Fault::RepeatedItems => {
            let items = list["items"].as_array_mut().unwrap();
            items.extend(items.clone());
        }
        Fault::StrayItem => {
            let stray = json!({"metadata": {"name": "stray", "namespace": "elsewhere-entirely"}});
            list["items"].as_array_mut().unwrap().push(stray);
        }
        Fault::ItemReplaced => {
            let items = list["items"].as_array_mut().unwrap();
            items.drain(..items.len().min(1));
        }
        Fault::NamelessItem => {
            list["items"]
                .as_array_mut()
                .unwrap()
                .push(json!({"metadata": {}}));
        }
        _ => {}
    }
    list.to_string().into_bytes()
}
