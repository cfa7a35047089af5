//! Tests malicious HTTP/2 servers: each causes an error, soon.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::Identity;
use crate::support::TestFolder;

const MANIFEST: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: cart, namespace: shop}
data: {key: a}
";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200`
const OK: &[u8] = &[0x88];

/// `:status: 200`, `content-length: 5000`
const OK_5000: &[u8] = &[0x88, 0x0f, 0x0d, 4, b'5', b'0', b'0', b'0'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head.as_slice(), payload].concat()
}

/// What the server sends: at the beginning, in response to the first request, and then repeatedly.
#[derive(Default)]
struct Script {
    first: Vec<u8>,
    answer: Vec<u8>,
    flood: Vec<u8>,
    closes: bool,
}

/// Starts a server that follows a script on every connection. Returns its address.
fn start(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = Identity::plain().acceptor(true);
            let script = std::sync::Arc::new(script);
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script) = (acceptor.clone(), script.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    // The client may close the connection.
                    let _ = follow(&script, &mut stream).await;
                });
            }
        });
    });
    address
}

async fn follow<S>(script: &Script, stream: &mut S) -> std::io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    stream.write_all(&script.first).await?;
    stream.flush().await?;
    // The client's preface, settings and first request.
    let mut seen = vec![0; 16 << 10];
    let _ = stream.read(&mut seen).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(&frame(SETTINGS, 1, 0, &[])).await?;
    stream.write_all(&script.answer).await?;
    stream.flush().await?;
    while !script.flood.is_empty() {
        stream.write_all(&script.flood).await?;
    }
    if !script.closes {
        while stream.read(&mut seen).await? > 0 {}
    }
    Ok(())
}

#[test]
fn a_server_that_violates_http2_is_an_error() {
    let settings = |name: u16, value: u32| {
        let payload = [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
        frame(SETTINGS, 0, 0, &payload)
    };
    let first = |first: Vec<u8>| Script {
        first,
        ..Script::default()
    };
    let answer = |frames: &[Vec<u8>]| Script {
        answer: frames.concat(),
        ..Script::default()
    };
    let flood = |answer: &[Vec<u8>], one: Vec<u8>| Script {
        answer: answer.concat(),
        flood: one.repeat(200),
        ..Script::default()
    };
    let go_away = |last: u32| frame(GO_AWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat());
    let headers = |flags: u8, block: &[u8]| frame(HEADERS, flags | END_HEADERS, 1, block);
    let mut huge = frame(DATA, 0, 1, &[]);
    huge[..3].copy_from_slice(&[0xff; 3]);
    let scripts = [
        ("no streams", first(settings(3, 0))),
        ("a window that is too large", first(settings(4, u32::MAX))),
        (
            "goodbye at once",
            Script {
                closes: true,
                ..first(go_away(0))
            },
        ),
        (
            "goodbye within an answer",
            Script {
                closes: true,
                ..answer(&[
                    headers(0, OK),
                    frame(DATA, 0, 1, b"{\"kind\": \"APIRes"),
                    go_away(1),
                ])
            },
        ),
        (
            "refused",
            answer(&[frame(RESET, 0, 1, &7_u32.to_be_bytes())]),
        ),
        (
            "reset after the head",
            answer(&[headers(0, OK), frame(RESET, 0, 1, &[0, 0, 0, 2])]),
        ),
        ("a head alone", answer(&[headers(0, OK)])),
        ("an empty answer", answer(&[headers(END_STREAM, OK)])),
        (
            "a body that is too short",
            answer(&[headers(0, OK_5000), frame(DATA, END_STREAM, 1, b"{}")]),
        ),
        ("a frame that is too large", answer(&[headers(0, OK), huge])),
        ("a broken head", answer(&[headers(0, &[0xff; 6])])),
        (
            "a body without an end",
            flood(&[headers(0, OK)], frame(DATA, 0, 1, &[b' '; 1000])),
        ),
        (
            "empty frames",
            flood(&[headers(0, OK)], frame(DATA, 0, 1, &[])),
        ),
        ("pings", flood(&[], frame(PING, 0, 0, b"pingping"))),
        ("settings", flood(&[], frame(SETTINGS, 0, 0, &[]))),
        (
            "window updates",
            flood(&[], frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ),
        (
            "a head without an end",
            flood(
                &[frame(HEADERS, 0, 1, OK)],
                frame(
                    CONTINUATION,
                    0,
                    1,
                    &[&[0, 1, b'x', 100][..], &[b'y'; 100]].concat(),
                ),
            ),
        ),
    ];
    std::thread::scope(|scope| {
        for (name, script) in scripts {
            scope.spawn(move || {
                let place = TestFolder::new()
                    .file("m.yaml", MANIFEST)
                    .file("kubeconfig", kubeconfig(&start(script)));
                let began = Instant::now();
                let shown = place.run([
                    "diff",
                    "m.yaml",
                    "--kubeconfig",
                    "kubeconfig",
                    "--request-timeout",
                    "2",
                    "--timeout",
                    "8",
                ]);
                assert!(shown.starts_with("exit code: 2"), "{name}: {shown}");
                assert!(shown.contains("error: "), "{name}: {shown}");
                assert!(!shown.contains("IN SYNC"), "{name}: {shown}");
                let took = began.elapsed();
                assert!(took < Duration::from_secs(40), "{name}: {took:?}");
            });
        }
    });
}

fn kubeconfig(address: &str) -> String {
    use base64::Engine as _;
    let authority = base64::engine::general_purpose::STANDARD.encode(Identity::plain().authority());
    serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {
            "server": format!("https://{address}"), "certificate-authority-data": authority}}],
        "users": [{"name": "test", "user": {"token": "t"}}],
    })
    .to_string()
}
