//! `url(…)`: parses URLs as Go's `net/url` does.

use std::collections::{BTreeMap, HashMap};

use cel::common::types::{CelMap, CelMapKey as Key, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use percent_encoding::percent_decode_str;

use super::{
    Args, FunctionAnswer, Members, add_global, arg, boolean, invalid, list_of_strings, opaque,
    owned, string, text, unexpected,
};

opaque!(Url(UrlParts), URL = "kubernetes.URL");

#[derive(Debug, Clone, PartialEq, Eq)]
struct UrlParts {
    scheme: String,
    host: String,
    path: String,
    query: String,
    /// The part that decides whether two URLs are equal.
    whole: String,
}

/// Why text is not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Go rejects it too.
    Wrong,
    /// Go may accept it.
    Strange,
}

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_type(URL.to_owned())?;
    add_global(env, "url", &[&STRING_TYPE], of)?;
    add_global(env, "isURL", &[&STRING_TYPE], is)?;
    let mut members = Members(env, &URL);
    members.add("getScheme", &[], |args| {
        string(parts(&args)?.scheme.as_str())
    })?;
    members.add("getHost", &[], |args| string(parts(&args)?.host.as_str()))?;
    members.add("getHostname", &[], |args| {
        let (name, _) = split_port(&parts(&args)?.host);
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        string(bare.unwrap_or(name))
    })?;
    members.add("getPort", &[], |args| {
        string(split_port(&parts(&args)?.host).1)
    })?;
    members.add("getEscapedPath", &[], |args| {
        string(parts(&args)?.path.as_str())
    })?;
    members.add("getQuery", &[], query)
}

fn parts<'a>(args: &'a [CowVal<'_, '_>]) -> Result<&'a UrlParts, ExecutionError> {
    Ok(&arg::<Url>(args, 0)?.0)
}

fn of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let given = text(&args, 0)?;
    let parsed = is_request_uri(given).and_then(|()| parse(given));
    owned(Url(parsed.map_err(|why| match why {
        UrlError::Wrong => invalid("url", "it is not a URL"),
        UrlError::Strange => unexpected("URL"),
    })?))
}

fn is<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    match is_request_uri(text(&args, 0)?) {
        Ok(()) => Ok(boolean(true)),
        Err(UrlError::Wrong) => Ok(boolean(false)),
        Err(UrlError::Strange) => Err(unexpected("URL")),
    }
}

/// Checks for what `url.ParseRequestURI` accepts.
pub fn is_request_uri(text: &str) -> Result<(), UrlError> {
    if text.is_empty() {
        return Err(UrlError::Wrong);
    }
    parts_of(text, true).map(|_| ())
}

/// Parses like `url.Parse`: what follows a `#` is separate.
fn parse(text: &str) -> Result<UrlParts, UrlError> {
    let before = text.split_once('#').map_or(text, |(before, _)| before);
    let parts = parts_of(before, false)?;
    Ok(UrlParts {
        whole: text.to_owned(),
        ..parts
    })
}

fn parts_of(text: &str, is_request: bool) -> Result<UrlParts, UrlError> {
    if text.bytes().any(|b| b.is_ascii_control()) {
        return Err(UrlError::Wrong);
    }
    let (scheme, rest) = scheme_of(text)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let read = |host: &str, path: &str| UrlParts {
        scheme: scheme.clone(),
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        whole: text.to_owned(),
    };
    if text == "*" {
        return Ok(read("", "*"));
    }
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // `mailto:name` has neither host nor path.
            return Ok(read("", ""));
        }
        let first = rest.split('/').next().unwrap_or_default();
        if is_request || first.contains(':') {
            return Err(UrlError::Wrong);
        }
    }
    let has_host = !scheme.is_empty() || !is_request && !rest.starts_with("///");
    let (host, path) = match rest.strip_prefix("//").filter(|_| has_host) {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            (host_of(authority)?, path)
        }
        None => ("", rest),
    };
    if !is_escaped_well(path) {
        return Err(UrlError::Wrong);
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]%/".contains(&b);
    if !path.bytes().all(is_plain) {
        // Go would escape it.
        return Err(UrlError::Strange);
    }
    Ok(read(host, path))
}

fn scheme_of(text: &str) -> Result<(String, &str), UrlError> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err(UrlError::Wrong),
            ':' => {
                let (scheme, rest) = text.split_at(at);
                return Ok((scheme.to_ascii_lowercase(), &rest[1..]));
            }
            _ => break,
        }
    }
    Ok((String::new(), text))
}

/// Returns the host of an authority, with its port.
fn host_of(authority: &str) -> Result<&str, UrlError> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let is_user = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
    if !user.bytes().all(is_user) || !is_escaped_well(user) {
        return Err(UrlError::Wrong);
    }
    if host.contains('%') || !host.is_ascii() {
        return Err(UrlError::Strange);
    }
    if let Some(rest) = host.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or(UrlError::Wrong)?;
        if !is_port(after) {
            return Err(UrlError::Wrong);
        }
        let address: Option<std::net::Ipv6Addr> = address.parse().ok();
        return address.map(|_| host).ok_or(UrlError::Strange);
    }
    if host.matches(':').count() > 1 {
        // Versions of Go differ here.
        return Err(UrlError::Strange);
    }
    let port = host.rfind(':').map_or("", |at| &host[at..]);
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&b);
    match is_port(port) && host.bytes().all(is_host) {
        true => Ok(host),
        false => Err(UrlError::Wrong),
    }
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

/// Splits a host from its port.
fn split_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    }
}

fn is_escaped_well(text: &str) -> bool {
    let mut escapes = text.split('%').skip(1);
    escapes.all(|after| {
        let digits = after.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.count() == 2
    })
}

fn query<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let parts = parts(&args)?;
    let pairs = parts.query.split('&');
    for pair in pairs.filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !is_escaped_well(key) || !is_escaped_well(value) {
            continue;
        }
        let plain = |text: &str| {
            let spaced = text.replace('+', " ");
            let decoded = percent_decode_str(&spaced).decode_utf8();
            decoded
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| unexpected("UTF-8"))
        };
        values.entry(plain(key)?).or_default().push(plain(value)?);
    }
    let values = values.into_iter().map(|(key, values)| {
        let values: Box<dyn Val + 'v> = Box::new(list_of_strings(values));
        (Key::from(key), values)
    });
    owned(CelMap::from(values.collect::<HashMap<_, _>>()))
}
