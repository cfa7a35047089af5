//! Responses without faults.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, AUTHORIZATION};
use http::request::Parts;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Cluster;
use super::catalog::Resource;
use super::patches;
use super::reviews;
use super::selectors::Selector;
use super::store::{Objects, whole};
use super::writes;

/// The resource version of all lists.
const RESOURCE_VERSION: u64 = 253;

/// Tokens that lead back to the first page. Real servers do not return them.
pub const AGAIN: [&str; 2] = ["again-and", "and-again"];

/// A status code and a body, which is JSON except for the server's plain 404.
pub type Answer = (u16, Vec<u8>);

/// The parts of a request path.
pub(super) struct Route<'p> {
    pub version: String,
    pub namespace: Option<&'p str>,
    pub plural: &'p str,
    pub name: Option<&'p str>,
}

impl Cluster {
    /// Returns the object at a path.
    pub fn object_at(&self, path: &str) -> Option<Value> {
        self.object(&route(path)?)
    }
}

/// Returns the response to a request that may change something.
pub fn answer_to_write(cluster: &mut Cluster, request: &Parts, body: &[u8]) -> Answer {
    let path = request.uri.path();
    let Some(route) = route(path).filter(|_| cluster.writable) else {
        return answer(cluster, request, body);
    };
    if route.plural.ends_with("reviews") {
        return answer(cluster, request, body);
    }
    let method = request.method.as_str();
    let target = format!("{path}?{}", request.uri.query().unwrap_or_default());
    let verb = match method {
        "POST" => "create",
        "DELETE" => "delete",
        _ => "patch",
    };
    let place = route.namespace.unwrap_or_default();
    if !reviews::allowed(&cluster.denied, verb, route.plural, place) {
        return forbidden(verb, &route);
    }
    cluster.meanwhile(method, &target, &route);
    let query = parameters(request.uri.query().unwrap_or_default());
    let content_type = request.headers.get("content-type");
    let is_json_patch = content_type.is_some_and(|it| it == "application/json-patch+json");
    match verb {
        "create" => writes::create(cluster, &route, &query, body),
        "delete" => writes::delete(cluster, &route, body),
        _ if is_json_patch => writes::patch(cluster, &route, &query, body),
        _ => answer(cluster, request, body),
    }
}

/// Returns the response of a healthy server.
pub fn answer(cluster: &Cluster, request: &Parts, body: &[u8]) -> Answer {
    let header = |name| {
        let value = request.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let token = header(AUTHORIZATION)
        .strip_prefix("Bearer ")
        .unwrap_or_default();
    if !cluster.tokens.is_empty() && !cluster.tokens.iter().any(|known| known == token) {
        return failure(401, "Unauthorized", json!({}));
    }
    let path = request.uri.path();
    if path == "/version" {
        return (
            200,
            br#"{"major":"1","minor":"36","gitVersion":"v1.36.2"}"#.to_vec(),
        );
    }
    if let Some(document) = cluster.openapi.get(path) {
        return (200, document.to_string().into_bytes());
    }
    let aggregated = header(ACCEPT).contains("as=APIGroupDiscoveryList");
    let catalog = &cluster.store.catalog;
    if let Some(document) = catalog.document(path, aggregated, cluster.discovery) {
        return (200, document.to_string().into_bytes());
    }
    let Some(route) = route(path) else {
        return no_path();
    };
    if request.method == http::Method::POST {
        return post(cluster, &route, body);
    }
    let Some(resource) = cluster.store.resource(&route.version, route.plural) else {
        return no_resource(cluster, &route.version);
    };
    let query = parameters(request.uri.query().unwrap_or_default());
    let verb = match (request.method.as_str(), route.name) {
        ("GET", Some(_)) => "get",
        ("GET", None) => "list",
        ("PATCH", Some(_)) => "patch",
        _ => return failure(405, "MethodNotAllowed", json!({})),
    };
    if !reviews::allowed(
        &cluster.denied,
        verb,
        route.plural,
        route.namespace.unwrap_or_default(),
    ) {
        return forbidden(verb, &route);
    }
    let nothing = Objects::new();
    let objects = cluster
        .store
        .objects(&route.version, &resource.kind)
        .unwrap_or(&nothing);
    match route.name {
        Some(name) => {
            let key = (
                route.namespace.unwrap_or_default().to_owned(),
                name.to_owned(),
            );
            match objects.get(&key) {
                Some(item) if verb == "patch" => {
                    let stored = whole(&route.version, resource, item);
                    patch(cluster, path, &query, &stored, body)
                }
                Some(item) => (200, whole(&route.version, resource, item)),
                None => {
                    let group = route.version.split_once('/').map(|(group, _)| group);
                    let details = json!({"name": name, "group": group, "kind": route.plural});
                    failure(404, "NotFound", details)
                }
            }
        }
        None => {
            let metadata = header(ACCEPT).contains("as=PartialObjectMetadataList");
            list(cluster, &route, resource, objects, &query, metadata)
        }
    }
}

/// Parses `/api/v1/…` and `/apis/GROUP/VERSION/…`, with or without a namespace and a name.
fn route(path: &str) -> Option<Route<'_>> {
    let mut parts = path.trim_matches('/').split('/');
    let version = match parts.next()? {
        "api" => parts.next()?.to_owned(),
        "apis" => format!("{}/{}", parts.next()?, parts.next()?),
        _ => return None,
    };
    let rest: Vec<&str> = parts.collect();
    let (namespace, plural, name) = match rest[..] {
        [plural] => (None, plural, None),
        ["namespaces", name] => (None, "namespaces", Some(name)),
        ["namespaces", namespace, plural] => (Some(namespace), plural, None),
        ["namespaces", namespace, plural, name] => (Some(namespace), plural, Some(name)),
        [plural, name] => (None, plural, Some(name)),
        _ => return None,
    };
    Some(Route {
        version,
        namespace,
        plural,
        name,
    })
}

fn parameters(query: &str) -> HashMap<String, String> {
    let decoded = |text: &str| {
        let bytes = text.replace('+', " ").into_bytes();
        let mut plain = Vec::new();
        let mut rest = &bytes[..];
        while let [first, after @ ..] = rest {
            rest = after;
            let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
            match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) if *first == b'%' => {
                    plain.push(byte);
                    rest = &after[2..];
                }
                _ => plain.push(*first),
            }
        }
        String::from_utf8(plain).unwrap()
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Returns one page of a list.
fn list(
    cluster: &Cluster,
    route: &Route<'_>,
    resource: &Resource,
    objects: &Objects,
    query: &HashMap<String, String>,
    metadata: bool,
) -> Answer {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let selector = match Selector::read(text("labelSelector"), text("fieldSelector")) {
        Ok(selector) => selector,
        Err(_) => return failure(400, "BadRequest", json!({})),
    };
    let from = match text("continue") {
        "" => None,
        again if AGAIN.contains(&again) => None,
        token => match read_token(token) {
            Some(key) => Some(key),
            None => return failure(400, "BadRequest", json!({})),
        },
    };
    let asked = text("limit").parse().ok().filter(|limit| *limit > 0);
    let limit = asked.map_or(usize::MAX, |limit: usize| limit.min(cluster.page));
    let begin = from.unwrap_or((
        route.namespace.unwrap_or_default().to_owned(),
        String::new(),
    ));
    let mut found = objects
        .range(begin..)
        .take_while(|((namespace, _), _)| route.namespace.is_none_or(|listed| listed == namespace))
        .filter(|(_, item)| selector.selects(item));
    let mut items = Vec::new();
    for (_, item) in found.by_ref().take(limit) {
        items.push(if metadata {
            metadata_of(item)
        } else {
            item.to_vec()
        });
    }
    let mut about = json!({"resourceVersion": RESOURCE_VERSION.to_string()});
    if let Some((next, _)) = found.next() {
        about["continue"] = token(next).into();
        if selector.is_empty() {
            about["remainingItemCount"] = (found.count() + 1).into();
        }
    }
    let (kind, version) = if metadata {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1")
    } else {
        (format!("{}List", resource.kind), &*route.version)
    };
    let mut body =
        format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{about},"items":["#);
    body.reserve(items.iter().map(Vec::len).sum::<usize>() + items.len() + 8);
    let mut body = body.into_bytes();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(item);
    }
    body.extend_from_slice(b"]}\n");
    (200, body)
}

fn metadata_of(item: &[u8]) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Item<'i> {
        #[serde(borrow)]
        metadata: &'i RawValue,
    }
    let item: Item = serde_json::from_slice(item).unwrap();
    let head = r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#;
    format!("{head}{}}}", item.metadata.get()).into_bytes()
}

/// Returns a continue token: the resource version and the next key.
fn token((namespace, name): &(String, String)) -> String {
    let start = json!({"v": "meta.k8s.io/v1", "rv": RESOURCE_VERSION, "start": [namespace, name]});
    URL_SAFE_NO_PAD.encode(start.to_string())
}

fn read_token(token: &str) -> Option<(String, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let token: Value = serde_json::from_slice(&bytes).ok()?;
    let part = |index: usize| Some(token["start"][index].as_str()?.to_owned());
    (token["rv"] == RESOURCE_VERSION).then_some((part(0)?, part(1)?))
}

/// Returns the recorded response to a server-side apply; nothing is changed.
fn patch(
    cluster: &Cluster,
    path: &str,
    query: &HashMap<String, String>,
    stored: &[u8],
    sent: &[u8],
) -> Answer {
    if query.get("dryRun").map(String::as_str) != Some("All") {
        return failure(500, "ATestMustNotChangeTheCluster", json!({}));
    }
    match cluster.applied.get(path) {
        Some(recorded) => (200, recorded.to_string().into_bytes()),
        None => (200, patches::apply(query, sent, stored)),
    }
}

fn post(cluster: &Cluster, route: &Route<'_>, body: &[u8]) -> Answer {
    match reviews::answer(cluster, route.plural, body) {
        Some(review) => (201, review.to_string().into_bytes()),
        None => failure(405, "MethodNotAllowed", json!({})),
    }
}

fn no_path() -> Answer {
    (404, b"404 page not found\n".to_vec())
}

/// Returns the error for a resource that a served version does not have, or the 404 for a version
/// that is not served.
fn no_resource(cluster: &Cluster, version: &str) -> Answer {
    let group = |version: &str| version.split_once('/').map(|(group, _)| group.to_owned());
    let mut versions = cluster.store.catalog.resources.keys();
    if versions.any(|(served, _)| group(served) == group(version)) {
        failure(404, "NotFound", json!({}))
    } else {
        no_path()
    }
}

/// Returns an error with a message that no report may show.
pub fn failure(code: u16, reason: &str, details: Value) -> Answer {
    status(code, reason, super::faults::CANARY, details)
}

pub fn status(code: u16, reason: &str, message: &str, details: Value) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": details, "code": code,
    });
    (code, status.to_string().into_bytes())
}

/// Returns the error in the words of an authorizer.
fn forbidden(verb: &str, route: &Route<'_>) -> Answer {
    let plural = route.plural;
    let details = json!({"name": route.name, "kind": plural});
    let message = format!(
        "{plural} \"{}\" is forbidden: User \"system:serviceaccount:ci:driftctl\" cannot {verb} \
         resource \"{plural}\" in API group \"\"",
        super::faults::CANARY
    );
    status(403, "Forbidden", &message, details)
}
