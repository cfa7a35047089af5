//! Which names say that what they name is secret.

/// Parts of a name, squeezed to lower-case letters and digits, that make it a sensitive one
/// wherever they stand: `MYSQLPASSWORD`, `db.password`, `githubToken`.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
    "accountkey",
    "authkey",
    "encryptionkey",
    "hmackey",
    "masterkey",
    "sharedkey",
    "signingkey",
    "sshkey",
    "connectionstring",
];

/// Words that make a name sensitive only when they stand alone: `DB_PASS`, but not `compass`.
const WORDS: &[&str] = &["pass", "pwd", "creds", "dsn"];

/// HTTP headers (and their like in files) that carry credentials.
const HEADERS: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "auth",
];

/// Last words of names that speak *about* a secret: where it lies, how long it lasts.
const ABOUT: &[&str] = &[
    "algorithm",
    "audience",
    "audiences",
    "class",
    "count",
    "dir",
    "directory",
    "disabled",
    "duration",
    "enabled",
    "endpoint",
    "expiration",
    "expires",
    "expiry",
    "file",
    "filename",
    "format",
    "host",
    "interval",
    "issuer",
    "kind",
    "length",
    "lifetime",
    "limit",
    "mode",
    "name",
    "names",
    "namespace",
    "optional",
    "path",
    "period",
    "policy",
    "port",
    "provider",
    "ref",
    "reference",
    "refs",
    "required",
    "seconds",
    "selector",
    "size",
    "store",
    "timeout",
    "ttl",
    "type",
    "uri",
    "url",
    "version",
    "volume",
];

/// First words of names that count or switch: `MAX_TOKENS`, `enableTokenReview`.
const SETTINGS: &[&str] = &["max", "min", "num", "enable", "disable", "automount"];

/// Whether a name says that its value is secret.
///
/// ```
/// use driftctl::redact::is_sensitive_name;
/// assert!(is_sensitive_name("DB_PASSWORD"));
/// assert!(is_sensitive_name("apiKey"));
/// assert!(!is_sensitive_name("DB_PASSWORD_FILE"));
/// assert!(!is_sensitive_name("secretName"));
/// assert!(!is_sensitive_name("MAX_TOKENS"));
/// ```
pub fn is_sensitive_name(name: &str) -> bool {
    if matches!(name, "PWD" | "OLDPWD") {
        return false; // the shell's working directories
    }
    let squeezed = squeeze(name);
    let by_part = PARTS.iter().any(|part| squeezed.contains(part));
    // The split is the costly half, and most names are innocent.
    if !by_part && !WORDS.iter().any(|word| squeezed.contains(word)) {
        return false;
    }
    let words = words(name);
    let sensitive = by_part || words.iter().any(|word| WORDS.contains(&word.as_str()));
    let about = words
        .last()
        .is_some_and(|word| ABOUT.contains(&word.as_str()));
    let setting = words
        .first()
        .is_some_and(|word| SETTINGS.contains(&word.as_str()));
    sensitive && !about && !setting
}

/// Whether a name is that of a header (or a setting in a file) which carries credentials.
pub(super) fn is_credential_header(name: &str) -> bool {
    HEADERS.contains(&squeeze(name).as_str())
}

/// Whether a field *below* something sensitive speaks about it rather than being it, such as the
/// `name` of `imagePullSecrets[]`.
pub(super) fn is_about(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|word| ABOUT.contains(&word.as_str()))
        || matches!(name, "apiVersion" | "apiGroup" | "group")
}

/// Whether a field holds a reference to an object instead of a value.
pub(super) fn is_reference(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|word| matches!(word.as_str(), "ref" | "refs" | "reference" | "selector"))
}

fn squeeze(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// The words of `snake_case`, `kebab-case`, `dotted.names` and `camelCase`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = !c.is_ascii_alphanumeric() || (after_lower && c.is_ascii_uppercase());
        if starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Every word that makes a name sensitive.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    PARTS.iter().chain(WORDS).chain(HEADERS).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_so() {
        for name in [
            "PASSWORD",
            "MYSQLPASSWORD",
            "db.password",
            "spring.datasource.password",
            "GITHUB_TOKEN",
            "githubToken",
            "api-key",
            "API_KEY",
            "x-api-key",
            "PRIVATE_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "clientSecret",
            "GOOGLE_CREDENTIALS",
            "DB_PASS",
            "SENTRY_DSN",
        ] {
            assert!(is_sensitive_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_speak_about_it() {
        for name in [
            "image",
            "compass",
            "PWD",
            "PASSWORD_FILE",
            "secretName",
            "imagePullSecretName",
            "secretKeyRef",
            "tokenExpirationSeconds",
            "TOKEN_URL",
            "maxTokens",
            "publicKey",
            "monkey",
        ] {
            assert!(!is_sensitive_name(name), "{name}");
        }
    }
}
